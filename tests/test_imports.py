"""The architecture, read from the syntax tree of every file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "isbitcoinlit"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = [
    {"errors", "models", "redis_launcher"},
    {"source_settings"},
    {"settings", "clock", "log"},
    {"data_directory", "redis_client"},
    {"redis_supervisor"},
    {"redis_server", "workers"},
    {"feeds", "series"},
    {"snapshot"},
    {"lease"},
    {"intake"},
    {"refresh"},
    {"scheduler"},
    {"resources"},
    {"doctor", "web"},
    {"server"},
    {"cli_backfill"},
    {"cli"},
]
"""Data move down this list, and a file imports from above its own line or from its own room."""

ROOMS = {
    "httpx": {"feeds"},
    "stamina": {"feeds"},
    "defusedxml": {"feeds"},
    "vaderSentiment": {"feeds"},
    "redis": {
        "redis_client",
        "series",
        "snapshot",
        "lease",
        "intake",
        "resources",
        "redis_supervisor",
    },
    "fastapi": {"web", "server"},
    "starlette": {"web"},
    "uvicorn": {"server"},
    "apscheduler": {"scheduler"},
    "structlog": {"log", "web"},
    "typer": {"cli", "cli_backfill"},
    "rich": {"cli", "cli_backfill"},
    "pydantic_settings": {"settings", "source_settings"},
}
"""Where a library may be imported. `create_app` also names a Redis that is passed in."""
EXCEPTIONS = {("web/app.py", "redis")}


def room(path: Path) -> str:
    """The folder or file directly in the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "isbitcoinlit":
                yield from (f"isbitcoinlit.{alias.name}" for alias in node.names)
            elif node.module:
                yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_left(path: Path) -> None:
    """A file imports its own room and the layers before its own, nothing else of ours."""
    ours = room(path)
    if ours == "__init__":
        return
    layer = next(i for i, names in enumerate(LAYERS) if ours in names)
    allowed = set[str]().union(*LAYERS[:layer], {ours, "__version__"})
    found = {name.split(".")[1] for name in imports(path) if name.startswith("isbitcoinlit.")}
    assert found <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    """A third-party library is imported where it belongs."""
    file = str(path.relative_to(PACKAGE))
    for name in imports(path):
        library = name.split(".")[0]
        rooms = ROOMS.get(library)
        assert rooms is None or room(path) in rooms or (file, library) in EXCEPTIONS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_happens_at_import(path: Path) -> None:
    """No file builds an app, reads settings or opens a client when it is imported."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
            continue
        calls = {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
        assert not calls & {"create_app", "Settings", "load_settings", "connect", "FastAPI"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_one_reader_each(path: Path) -> None:
    """Only `settings` reads the environment, and only `clock` asks the machine for the date."""
    text = path.read_text()
    if room(path) != "settings":
        assert "os.environ" not in text
        assert "os.getenv" not in text
    if room(path) != "clock":
        assert "datetime.now" not in text
        assert "time.time()" not in text
