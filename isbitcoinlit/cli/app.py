"""The commands themselves; groups of them have files of their own."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from isbitcoinlit import __version__, log, server, tasks
from isbitcoinlit.cli import backfill, operators, portable
from isbitcoinlit.cli.options import (
    DataDir,
    Feed,
    RedisUrl,
    ReplayFile,
    SenticryptUrl,
    load,
    setting,
)
from isbitcoinlit.doctor import Finding, examine
from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.refresh_report import RefreshReport, to_dict
from isbitcoinlit.resources import open_resources
from isbitcoinlit.settings import Settings, unknown_variables

app = typer.Typer(
    help="The price of Bitcoin and the mood about it, as a self-hosted time-series API.",
    epilog="Every option can also be set by the variable named beside it, or in a file .env.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
operators.register(app)
portable.register(app)
app.add_typer(backfill.app, name="backfill")


def main() -> None:
    """Run the command line; an error of ours is one sentence and exit status 1."""
    try:
        app()
    except IsBitcoinLitError as error:
        sys.exit(f"isbitcoinlit: {error}")


@app.command()
def serve(
    *,
    feed: Feed = None,
    host: Annotated[str | None, setting("host", "--host")] = None,
    port: Annotated[int | None, setting("port", "--port")] = None,
    workers: Annotated[int | None, setting("workers", "--workers")] = None,
    redis_url: RedisUrl = None,
    data_dir: DataDir = None,
    replay_file: ReplayFile = None,
    senticrypt_url: SenticryptUrl = None,
    refresh_interval: Annotated[
        float | None, setting("refresh_interval", "--refresh-interval")
    ] = None,
    log_format: Annotated[str | None, setting("log_format", "--log-format")] = None,
    log_level: Annotated[str | None, setting("log_level", "--log-level")] = None,
) -> None:
    """Serve the API, and pull the feed every 30 seconds."""
    settings = load(locals())
    log.configure(settings.log_format, settings.log_level)
    for sentence in unknown_variables():
        log.get_logger().warning("unknown-setting", reason=sentence)
    server.serve(settings)


@app.command()
def refresh(
    *,
    feed: Feed = None,
    redis_url: RedisUrl = None,
    data_dir: DataDir = None,
    replay_file: ReplayFile = None,
    senticrypt_url: SenticryptUrl = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Ask the service at this address to do it.")
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="Operator to log in as, with --url.")
    ] = None,
) -> None:
    """Pull the feed once, and print what it brought.

    With --url, a service that needs a login asks for it, and the tokens are kept in a file.
    """
    if url is not None:
        typer.echo(json.dumps(operators.refresh(url, username), indent=2))
        return
    settings = load(locals())
    log.configure("text", "warning")
    report = tasks.run(_refresh(settings))
    typer.echo(json.dumps(to_dict(report), indent=2, default=str))


@app.command()
def doctor(
    *,
    feed: Feed = None,
    redis_url: RedisUrl = None,
    data_dir: DataDir = None,
    replay_file: ReplayFile = None,
    senticrypt_url: SenticryptUrl = None,
) -> None:
    """Look at everything an operator would, and say what to do about what is wrong."""
    settings = load(locals())
    log.configure("text", "error")
    findings = tasks.run(_examine(settings))
    Console().print(_table(findings))
    raise typer.Exit(code=int(any(finding.advice for finding in findings)))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


async def _refresh(settings: Settings) -> RefreshReport:
    async with open_resources(settings, role="refresh") as resources:
        report = await resources.refresher.force()
        await resources.refresher.share(report)
        return report


async def _examine(settings: Settings) -> list[Finding]:
    return [finding async for finding in examine(settings)]


def _table(findings: list[Finding]) -> Table:
    table = Table("", "check", "found", "what to do", box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        mark = "[red]wrong[/red]" if finding.advice else "[green]ok[/green]"
        table.add_row(mark, finding.what, finding.found, finding.advice or "")
    return table
