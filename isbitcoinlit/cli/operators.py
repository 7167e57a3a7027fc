"""The commands about operators: who they are, what they did, and a refresh from elsewhere."""

import sys
from collections.abc import Awaitable, Callable
from getpass import getpass
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from isbitcoinlit import log, tasks
from isbitcoinlit.cli.options import DataDir, RedisUrl, load
from isbitcoinlit.errors import LoginFailed, OperatorUnknown
from isbitcoinlit.operators.desk import Operators
from isbitcoinlit.remote import Remote
from isbitcoinlit.resources import open_resources
from isbitcoinlit.settings import Settings

Result = TypeVar("Result")

HERE = "command line"
"""What the audit says about where a command was given."""
WHO = "console"
"""Who gave it: whoever may read the settings and reach Redis."""

Name = Annotated[str, typer.Argument(help="Name of the operator.", show_default=False)]

operators = typer.Typer(
    help="Say who may run the service from elsewhere.", no_args_is_help=True, add_completion=False
)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(operators, name="operator")
    app.command()(audit)


@operators.command()
def add(name: Name, *, redis_url: RedisUrl = None, data_dir: DataDir = None) -> None:
    """Add an operator; asks for the password twice, or reads it from standard input."""
    password = _new_password()

    async def work(desk: Operators) -> None:
        await desk.accounts.add(name, await desk.passwords.hash(password))
        await desk.audit.note(WHO, f"add-operator {name}", HERE)

    _run(load(locals()), work)
    typer.echo(f"{name} is an operator. POST /refresh now needs a login, from this machine too.")


@operators.command(name="list")
def show(*, redis_url: RedisUrl = None, data_dir: DataDir = None) -> None:
    """List the operators."""
    table = Table("name", "added", "sessions", box=None, padding=(0, 2, 0, 0))

    async def work(desk: Operators) -> None:
        for account in await desk.accounts.names():
            sessions = await desk.sessions.of(account.name)
            table.add_row(account.name, f"{account.added:%Y-%m-%d %H:%M} UTC", str(len(sessions)))

    _run(load(locals()), work)
    Console().print(table)


@operators.command()
def remove(name: Name, *, redis_url: RedisUrl = None, data_dir: DataDir = None) -> None:
    """Remove an operator, and end their sessions."""

    async def work(desk: Operators) -> None:
        await desk.accounts.remove(name)
        await desk.sessions.end_all(name)
        await desk.audit.note(WHO, f"remove-operator {name}", HERE)

    _run(load(locals()), work)
    typer.echo(f"{name} is not an operator any more.")


@operators.command()
def passwd(name: Name, *, redis_url: RedisUrl = None, data_dir: DataDir = None) -> None:
    """Give an operator another password, and end their sessions."""
    settings = load(locals())

    async def known(desk: Operators) -> bool:
        return await desk.accounts.find(name) is not None

    if not _run(settings, known):
        raise OperatorUnknown(f"There is no operator {name}.")
    password = _new_password()

    async def work(desk: Operators) -> None:
        await desk.accounts.set_hash(name, await desk.passwords.hash(password))
        await desk.sessions.end_all(name)
        await desk.audit.note(WHO, f"change-password {name}", HERE)

    _run(settings, work)
    typer.echo(f"{name} has another password, and is logged out everywhere.")


@operators.command()
def rotate_key(*, redis_url: RedisUrl = None, data_dir: DataDir = None) -> None:
    """End every session of every operator, and sign with another key from now on."""

    async def work(desk: Operators) -> bool:
        await desk.end_everything()
        await desk.audit.note(WHO, "rotate-key", HERE)
        return desk.secret.is_configured

    configured = _run(load(locals()), work)
    typer.echo("All sessions have ended.")
    if configured:
        typer.echo("The key is the one in ISBITCOINLIT_SECRET_KEY: change it there, and restart.")


def audit(
    *,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many events.")] = 30,
    redis_url: RedisUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Show what operators did, the newest first."""
    table = Table("time", "who", "what", "from", "result", box=None, padding=(0, 2, 0, 0))

    async def work(desk: Operators) -> None:
        for event in await desk.audit.read(count):
            time = f"{event.time:%Y-%m-%d %H:%M:%S}"
            table.add_row(time, event.who, event.what, event.address, event.result)

    _run(load(locals()), work)
    Console().print(table)


def refresh(url: str, username: str | None) -> dict[str, Any]:
    """Have a service elsewhere refresh; logs in where it wants that."""
    with Remote(url) as remote:
        report = remote.refresh()
        if report is None:
            name = username or _ask("Operator: ")
            remote.login(name, _ask_secret("Password: "))
            report = remote.refresh()
        if report is None:
            raise LoginFailed("The service refused the token that it has just given.")
        return report


def _run(settings: Settings, work: Callable[[Operators], Awaitable[Result]]) -> Result:
    """Do something with the operators of the service that the settings speak of."""
    log.configure("text", "error")

    async def opened() -> Result:
        async with open_resources(settings, role="operator") as resources:
            return await work(resources.operators)

    return tasks.run(opened())


def _new_password() -> str:
    """Ask twice on a terminal; else take the first line of standard input."""
    password = _ask_secret("Password: ")
    if sys.stdin.isatty() and getpass("The same again: ") != password:
        raise LoginFailed("The two passwords differ; nothing was changed.")
    return password


def _ask(question: str) -> str:
    if sys.stdin.isatty():
        sys.stderr.write(question)
    return sys.stdin.readline().strip()


def _ask_secret(question: str) -> str:
    return getpass(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
