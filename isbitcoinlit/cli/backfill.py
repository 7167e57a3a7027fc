"""`isbitcoinlit backfill`: the past, from the archives of those who kept it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as ProgressBar,
)
from rich.text import Text

from isbitcoinlit import log, tasks
from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import SettingsError
from isbitcoinlit.feeds.archive.base import Archive
from isbitcoinlit.feeds.archive.bitstamp_hours import FIRST, BitstampHours
from isbitcoinlit.feeds.archive.senticrypt_hours import SentiCryptHours
from isbitcoinlit.feeds.archive.whole import WholeFeed
from isbitcoinlit.feeds.daily.fear_greed import FearGreed
from isbitcoinlit.feeds.daily.senticrypt_daily import SentiCryptDaily
from isbitcoinlit.intake.backfill import Backfill, Progress
from isbitcoinlit.resources import open_resources
from isbitcoinlit.series.backfilled import Backfilled
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings, load_settings, variable

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

_FIRST = FIRST.replace(tzinfo=None)

Build = Callable[[Settings, Clock], Archive]
From = Annotated[datetime, typer.Option("--from", formats=_FORMATS, help="UTC.")]
To = Annotated[datetime | None, typer.Option("--to", formats=_FORMATS, help="UTC; default now.")]
Again = Annotated[
    bool, typer.Option("--again", help="Ask for everything again, also for what is stored.")
]

app = typer.Typer(
    help="Fetch the past from archives: one request a second; Ctrl-C and begin again as you like.",
    no_args_is_help=True,
)


class _Rate(ProgressColumn):
    """Parts a second."""

    def render(self, task: Task) -> Text:
        """Show the rate, once it is known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


@app.command()
def price(
    since: From = _FIRST,
    *,
    again: Again = False,
) -> None:
    """Hourly prices since August 2011 (Bitstamp), for hours of `live` that have none."""

    def build(settings: Settings, clock: Clock) -> Archive:
        url = _needed(settings, "bitstamp_hours_url")
        return BitstampHours(url, clock, since.replace(tzinfo=UTC))

    _run(build, again=again)


@app.command()
def fear_greed() -> None:
    """The daily Fear & Greed index since February 2018 (alternative.me)."""
    _run(lambda settings, clock: WholeFeed(FearGreed(_needed(settings, "fear_greed_url"), clock)))


@app.command()
def senticrypt_daily() -> None:
    """The daily mean sentiment since April 2019 (SentiCrypt v2)."""
    _run(
        lambda settings, clock: WholeFeed(
            SentiCryptDaily(_needed(settings, "senticrypt_daily_url"), clock)
        )
    )


@app.command()
def senticrypt(since: From, until: To = None, *, again: Again = False) -> None:
    """Readings of every 30 seconds, hour by hour, 2020 to 2023 (SentiCrypt v1's archive)."""

    def build(settings: Settings, clock: Clock) -> Archive:
        end = until.replace(tzinfo=UTC) if until else clock.now()
        return SentiCryptHours(settings.senticrypt_url, clock, since.replace(tzinfo=UTC), end)

    _run(build, again=again)


def _needed(settings: Settings, field: str) -> str:
    url: str = getattr(settings, field)
    if not url:
        raise SettingsError(f"{variable(field)} is empty, so there is nobody to ask.")
    return url


def _run(build: Build, *, again: bool = False) -> None:
    """Do a backfill with a progress bar; exit status 3 if some parts were unusable."""
    settings = load_settings()
    log.configure("text", "error")
    console = Console()
    bar = ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[added]} new readings"),
        console=console,
    )
    with bar:
        result = tasks.run(_backfill(settings, build, bar, again=again))
    console.print(f"{result.requests} requests, {result.added} new readings.")
    if result.unusable:
        console.print(f"Unusable, and asked for again next time: {', '.join(result.unusable)}")
        raise typer.Exit(code=3)


async def _backfill(settings: Settings, build: Build, bar: ProgressBar, *, again: bool) -> Progress:
    async with open_resources(settings, role="backfill") as resources:
        keys = Keys(settings.key_prefix)
        archive = build(settings, resources.clock)
        try:
            if again:
                await Backfilled(resources.redis, keys).forget(archive.name)
            task = bar.add_task(archive.name, total=None, added=0)
            backfill = Backfill(
                resources.redis,
                keys,
                retention_seconds=settings.retention,
                forget=resources.answers.forget_touched,
            )

            def tell(progress: Progress) -> None:
                done, total = progress.done, progress.parts
                bar.update(task, completed=done, total=total, added=progress.added)

            return await backfill.run(archive, tell)
        finally:
            await archive.aclose()
