"""A SentiCrypt of the test's own."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.senticrypt import SentiCryptServer, senticrypt_server


@pytest.fixture
def senticrypt() -> Iterator[SentiCryptServer]:
    """A server that plays SentiCrypt."""
    with senticrypt_server() as server:
        yield server
