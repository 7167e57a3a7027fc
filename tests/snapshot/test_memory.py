"""What the age of a remembered snapshot makes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from isbitcoinlit.snapshot.memory import Answer, SnapshotMemory, Source
from tests.manual_clock import ManualClock
from tests.readings import NOON
from tests.snapshot.samples import snapshot

STALE = replace(snapshot(), stale=True)


def test_an_empty_memory_has_no_answer(memory: SnapshotMemory) -> None:
    """Before the first snapshot there is none, not even as a last resort."""
    assert memory.answer() is None
    assert memory.last_resort() is None
    assert memory.confirm() is None
    memory.distrust()


def test_an_answer_ages(memory: SnapshotMemory, clock: ManualClock) -> None:
    """A snapshot is served for two minutes, with its age, and not a moment longer."""
    memory.remember(snapshot())
    clock.advance(119.9)

    assert memory.answer() == Answer(snapshot(), Source.MEMORY, 119.9)
    clock.advance(0.1)
    assert memory.answer() is None


def test_a_snapshot_may_be_old_already(memory: SnapshotMemory, clock: ManualClock) -> None:
    """What has been in Redis for a while is kept only for the rest of its time."""
    memory.remember(snapshot(), age=100)
    clock.advance(19)

    answer = memory.answer()

    assert answer is not None
    assert answer.age == 119
    clock.advance(1)
    assert memory.answer() is None


def test_confirming_begins_anew(memory: SnapshotMemory, clock: ManualClock) -> None:
    """A snapshot that was seen to be still true is served for its whole time again."""
    memory.remember(snapshot())
    clock.advance(100)
    memory.confirm()
    clock.advance(100)

    answer = memory.answer()

    assert answer is not None
    assert answer.age == 100


def test_distrust_ends_it(memory: SnapshotMemory) -> None:
    """A snapshot that may be out of date is no answer, but still the last resort."""
    memory.remember(snapshot())
    memory.distrust()

    assert memory.answer() is None
    assert memory.last_resort() == Answer(STALE, Source.STALE, 0)


def test_a_snapshot_becomes_stale_by_itself(memory: SnapshotMemory, clock: ManualClock) -> None:
    """It turns stale when its newest reading is ten minutes old, with nobody computing anything."""
    memory.remember(snapshot(as_of=NOON - timedelta(seconds=550)))
    clock.advance(49.9)
    fresh = memory.answer()
    clock.advance(0.1)
    stale = memory.answer()

    assert fresh is not None
    assert stale is not None
    assert not fresh.snapshot.stale
    assert stale.snapshot.stale


def test_what_is_remembered_is_judged_now(memory: SnapshotMemory) -> None:
    """Whether it is stale depends on its newest reading now, not on who said what before."""
    old = snapshot(as_of=NOON - timedelta(hours=1))

    assert memory.remember(old).stale
    assert not memory.remember(STALE).stale


def test_a_clock_set_back_changes_no_age(memory: SnapshotMemory, clock: ManualClock) -> None:
    """Ages are measured by a clock that nobody sets."""
    memory.remember(snapshot())
    clock.advance(60)
    clock.advance(-86_400)

    answer = memory.answer()

    assert answer is not None
    assert answer.age == 60


@pytest.mark.parametrize(("age", "served"), [(3_600, True), (3_600.1, False)])
def test_the_last_resort_has_a_bound(
    memory: SnapshotMemory, clock: ManualClock, age: float, served: bool
) -> None:
    """The last snapshot is served, marked stale, for an hour and no longer."""
    memory.remember(snapshot())
    clock.advance(age)

    assert memory.last_resort() == (Answer(STALE, Source.STALE, age) if served else None)
