"""What the tests of all feeds start from."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stamina

from tests.manual_clock import ManualClock


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the service runs on."""
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    """Half past five in the afternoon, 7 July 2021 (UTC)."""
    return ManualClock(datetime(2021, 7, 7, 17, 30, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _retry_without_waiting() -> Iterator[None]:
    """The pause before a retry is left out."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield
