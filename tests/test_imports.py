"""The import rules of the design, read from the syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "isbitcoinlit"

LAYERS = (
    ("models", "errors", "rate", "redis_url", "fence"),
    ("settings", "access_settings", "source_settings", "clock", "log", "tasks"),
    ("signals",),
    ("redis_client", "redis_primary", "patience", "embedded", "workers"),
    ("feeds", "series", "shared_secret"),
    ("events",),
    ("snapshot",),
    ("lease",),
    ("history",),
    ("intake", "portable"),
    ("refresh", "refresh_report"),
    ("scheduler", "limits", "operators"),
    ("usage", "census"),
    ("traffic",),
    ("resources",),
    ("background",),
    ("doctor", "web", "remote"),
    ("server",),
    ("cli",),
)
"""Data moves right, imports point left: a module imports from its own layer or an earlier one."""

ROOMS = {
    "apscheduler": ("scheduler",),
    "argon2": ("operators",),
    "defusedxml": ("feeds",),
    "vaderSentiment": ("feeds",),
    "jwt": ("operators",),
    "prometheus_client": ("usage", "web"),
    "fastapi": ("web", "server"),
    "httpx": ("feeds", "remote"),
    "pydantic": (
        "settings",
        "access_settings",
        "source_settings",
        "web",
        "server",
        "operators/desk",
    ),
    "pydantic_settings": ("settings", "access_settings", "source_settings"),
    "redis": (
        "redis_client",
        "redis_primary",
        "patience",
        "census",
        "series",
        "events",
        "snapshot",
        "history/cache",
        "lease",
        "intake",
        "shared_secret",
        "limits",
        "operators",
        "usage",
        "traffic",
        "resources",
        "web/app",
    ),
    "rich": ("cli",),
    "stamina": ("feeds",),
    "starlette": ("web",),
    "structlog": ("log", "web/envelope"),
    "typer": ("cli",),
    "uvicorn": ("server",),
}
"""Where each library from elsewhere lives; nothing else may know it."""

STRANGERS = {("feeds", "series"), ("series", "feeds")}
"""They meet in `refresh` only."""

ENVIRONMENT = ("settings", "embedded/launcher", "remote")
"""The only readers of `os.environ`."""


def modules() -> dict[str, ast.Module]:
    """All modules by their path without suffix, `web/app` for instance."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(path.read_text())
        for path in files
    }


MODULES = modules()


def imported(tree: ast.Module) -> set[str]:
    """The dotted names that a module imports, wherever it does."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(tree: ast.Module) -> set[str]:
    """The top-level parts of this package that a module imports from."""
    names = (name.split(".") for name in imported(tree))
    return {parts[1] for parts in names if parts[0] == "isbitcoinlit"} - {"__version__"}


def part_of(module: str) -> str:
    """The top-level part of this package that a module belongs to."""
    return module.partition("/")[0]


def layer(part: str) -> int:
    """How far right a part of the package stands."""
    return next(i for i, parts in enumerate(LAYERS) if part in parts)


PARTS = {part for parts in LAYERS for part in parts}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_left(module: str) -> None:
    """No module imports from a layer to its right, and every part of the package has a layer."""
    part = part_of(module)
    if module in ("__init__", "embedded/launcher"):
        assert ours(MODULES[module]) == set()
        return

    assert {part, *ours(MODULES[module])} <= PARTS
    assert [other for other in ours(MODULES[module]) if layer(other) > layer(part)] == []


@pytest.mark.parametrize("module", MODULES)
def test_feeds_and_series_never_meet(module: str) -> None:
    """A feed knows nothing of series, and series nothing of feeds."""
    part = part_of(module)

    assert [other for other in ours(MODULES[module]) if (part, other) in STRANGERS] == []


@pytest.mark.parametrize("module", MODULES)
def test_the_web_calls_no_feed(module: str) -> None:
    """Routes reach a feed through `refresh`; of feeds they know the promise, the state and names.

    The arithmetic of the mood is theirs too, to show what each headline weighs.
    """
    allowed = (
        "isbitcoinlit.feeds.base.",
        "isbitcoinlit.feeds.health.",
        "isbitcoinlit.feeds.live.prices.READERS",
        "isbitcoinlit.feeds.live.sentiment.",
    )
    feeds = {name for name in imported(MODULES[module]) if name.startswith("isbitcoinlit.feeds")}

    assert not module.startswith("web/") or all(name.startswith(allowed) for name in feeds)


@pytest.mark.parametrize("module", MODULES)
def test_libraries_stay_in_their_rooms(module: str) -> None:
    """What is not ours is imported where it lives, and everything that is has a room."""
    tops = {name.split(".")[0] for name in imported(MODULES[module])}
    foreign = tops - set(sys.stdlib_module_names) - {"isbitcoinlit", "pydantic_core"}

    assert foreign <= ROOMS.keys()
    for library in foreign:
        rooms = ROOMS[library]
        assert module in rooms or part_of(module) in rooms, f"{module} imports {library}"


@pytest.mark.parametrize("module", MODULES)
def test_one_reader_of_the_environment(module: str) -> None:
    """Nobody but the settings looks at `os.environ`."""
    reads = {
        node.attr
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }

    assert not reads or module in ENVIRONMENT


@pytest.mark.parametrize("module", MODULES)
def test_one_reader_of_the_time(module: str) -> None:
    """Wall-clock time is read by the clock alone."""
    reads = [
        ast.unparse(node)
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.Call)
        and ast.unparse(node.func)
        in ("datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.time_ns")
    ]

    assert not reads or module == "clock"


@pytest.mark.parametrize("part", ["web.app", "server", "cli.app", "resources"])
def test_importing_does_nothing(part: str) -> None:
    """An import reads no setting, opens no socket, and starts no thread."""
    watch = (
        "import sys\n"
        "seen = []\n"
        "names = ('socket.connect', 'socket.bind', 'subprocess.Popen', 'os.putenv')\n"
        "sys.addaudithook(lambda name, _: seen.append(name) if name in names else None)\n"
        f"import isbitcoinlit.{part}, threading\n"
        "assert not seen, seen\n"
        "assert threading.active_count() == 1\n"
        "import isbitcoinlit.web.app as app\n"
        "assert not [n for n, v in vars(app).items() if isinstance(v, app.FastAPI)]\n"
    )
    environment = {"ISBITCOINLIT_PORT": "nonsense", "PYTHONPATH": str(PACKAGE.parent)}

    done = subprocess.run(
        [sys.executable, "-c", watch], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_files_are_short(module: str) -> None:
    """No file has more than 250 lines."""
    assert len((PACKAGE / f"{module}.py").read_text().splitlines()) <= 250
