"""A file becomes series; begun again it sends only what Redis does not have."""

from collections.abc import Callable
from dataclasses import dataclass

from isbitcoinlit.portable.batch import Broken
from isbitcoinlit.portable.source import Source
from isbitcoinlit.series.bulk import BulkStored, BulkWriter


@dataclass(slots=True)
class Imported:
    """How far an import has come."""

    stored: BulkStored
    readings: int = 0
    """Lines that were read and are right."""
    broken: int = 0


Tell = Callable[[Imported], None]
Complain = Callable[[Broken], None]


async def import_file(
    source: Source, writer: BulkWriter, tell: Tell, complain: Complain
) -> Imported:
    """Store what a file has; raises `FileUnfit`, an `OSError` or a `StorageError`.

    What is broken is complained of, and does not stop the rest.
    """
    done = Imported(writer.stored)
    async with writer.writing():
        for batch in source.batches():
            await writer.add(batch.samples)
            for broken in batch.broken:
                complain(broken)
            done.readings += batch.readings
            done.broken += len(batch.broken)
            tell(done)
    tell(done)
    return done
