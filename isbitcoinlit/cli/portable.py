"""`isbitcoinlit export` and `isbitcoinlit import`: readings as files."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from isbitcoinlit import log, tasks
from isbitcoinlit.cli.options import DataDir, RedisUrl, load
from isbitcoinlit.errors import SettingsError
from isbitcoinlit.history.moments import parse_moment
from isbitcoinlit.models import Span
from isbitcoinlit.portable.batch import Broken
from isbitcoinlit.portable.exporter import Exported, FileForm, Wanted, export
from isbitcoinlit.portable.importer import Imported, import_file
from isbitcoinlit.portable.part import look, part_of
from isbitcoinlit.portable.source import Source
from isbitcoinlit.resources import Resources, open_resources
from isbitcoinlit.series.bulk import BulkWriter
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.series.samples import ReadingReader
from isbitcoinlit.settings import Settings

SOME_BROKEN = 3
"""Exit status when something was not imported."""

_MOMENT = "ISO 8601, seconds or milliseconds since 1970, or now-30d; UTC."

FeedName = Annotated[
    str | None,
    typer.Option(
        "--feed", help="Whose readings; by default those of the first feed of the settings"
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(name="export")(export_command)
    app.command(name="import")(import_command)


def export_command(
    *,
    begin: Annotated[str | None, typer.Option("--from", help=f"Default: all. {_MOMENT}")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"Left out itself. {_MOMENT}")] = None,
    form: Annotated[FileForm, typer.Option("--format", help="What is written.")] = FileForm.CSV,
    packed: Annotated[bool, typer.Option("--gzip", help="Compress it.")] = False,
    series: FeedName = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A file, or - for standard output.")
    ],
    redis_url: RedisUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Write all stored readings to a file, oldest first.

    Interrupted and begun again with the same options, it goes on where it was.
    """
    settings = load({"redis_url": redis_url, "data_dir": data_dir})
    log.configure("text", "error")
    readings = tasks.run(_export(settings, series, (begin, end), form, packed, output))
    _console().print(f"{readings} readings exported.")


def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    series: FeedName = None,
    redis_url: RedisUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Store the readings of a file: CSV, JSON lines, either compressed, or SentiCrypt's JSON.

    What is stored already stays as it is; interrupted, begin again. Exit status 3 if something
    could not be imported.
    """
    settings = load({"redis_url": redis_url, "data_dir": data_dir})
    log.configure("text", "error")
    console = _console()
    done = tasks.run(_import(settings, series, file, console))
    stored = done.stored
    console.print(
        f"{done.readings} readings: {stored.added} values stored, {stored.already_stored} known "
        f"before, {done.broken} lines broken."
    )
    refused = +stored.rejected
    for reason, count in refused.items():
        console.print(f"{count} values were refused: {reason}.")
    if done.broken or refused:
        raise typer.Exit(code=SOME_BROKEN)


async def _export(
    settings: Settings,
    feed: str | None,
    ends: tuple[str | None, str | None],
    form: FileForm,
    packed: bool,
    output: Path,
) -> int:
    async with open_resources(settings, role="export") as resources:
        reader = ReadingReader(resources.redis, Keys(settings.key_prefix))
        name = _named(feed, settings)
        wanted = Wanted(name, await _span(reader, name, ends, resources), form, packed)
        if str(output) == "-":
            return await _write(reader, wanted, sys.stdout.buffer)
        part = part_of(output, wanted, str(ends))
        with part.open("a+b") as file:
            good = look(file, wanted)
            file.truncate(good.length)
            if good.last is not None:
                span = Span(good.last + 1, max(good.last + 1, wanted.span.end))
                wanted = Wanted(name, span, form, packed)
            done = await _write(reader, wanted, file, resumed=good.length > 0)
        part.replace(output)
        return done


async def _write(
    reader: ReadingReader, wanted: Wanted, out: IO[bytes], *, resumed: bool = False
) -> int:
    with _bar(_console()) as bar:
        begin = wanted.span.begin
        task = bar.add_task(wanted.feed, total=wanted.span.end - begin, told="")

        def tell(done: Exported) -> None:
            told = _told(done.readings, bar.tasks[task].elapsed)
            bar.update(task, completed=done.reached - begin, told=told)

        done = await export(reader, wanted, out, tell, resumed=resumed)
        out.flush()
        return done.readings


async def _import(settings: Settings, feed: str | None, file: Path, console: Console) -> Imported:
    with ExitStack() as stack:
        bar = stack.enter_context(_bar(console))
        async with open_resources(settings, role="import") as resources:
            source, name = Source(file, resources.clock), _named(feed, settings)
            task = bar.add_task(file.name, total=source.size, told="")
            writer = BulkWriter(
                resources.redis,
                Keys(settings.key_prefix),
                name,
                retention_seconds=settings.retention,
                tell=resources.answers.forget_touched,
            )

            def tell(done: Imported) -> None:
                told = _told(done.readings, bar.tasks[task].elapsed)
                bar.update(task, completed=source.bytes_read, told=told)

            def complain(broken: Broken) -> None:
                console.print(
                    f"line {broken.number}: {broken.reason}", markup=False, soft_wrap=True
                )

            try:
                return await import_file(source, writer, tell, complain)
            finally:
                if writer.stored.added:
                    await resources.announcer.history(name)


async def _span(
    reader: ReadingReader, feed: str, ends: tuple[str | None, str | None], resources: Resources
) -> Span:
    now = resources.history.now()
    end = min(parse_moment("--to", ends[1], now), now + 1) if ends[1] else now + 1
    oldest = await reader.oldest(feed)
    if oldest is None:
        raise SettingsError(f"Nothing was ever stored of {feed!r}; --feed names another one.")
    begin = max(parse_moment("--from", ends[0], now), oldest) if ends[0] else oldest
    return Span(begin, max(begin, end))


def _named(feed: str | None, settings: Settings) -> str:
    """Return the feed that was asked for, or the first of the settings."""
    if feed is None:
        return settings.feed[0]
    if not feed.replace("-", "").isalnum() or not feed.isascii() or feed != feed.lower():
        raise SettingsError(f"{feed!r} cannot be a feed: small letters, digits and - can.")
    return feed


def _console() -> Console:
    return Console(stderr=True, highlight=False)


def _bar(console: Console) -> Progress:
    """Make a progress bar, which is not there where nobody would see it."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _told(readings: int, elapsed: float | None) -> str:
    rate = f", {readings / elapsed:,.0f}/s" if elapsed else ""
    return f"{readings:,} readings{rate}"
