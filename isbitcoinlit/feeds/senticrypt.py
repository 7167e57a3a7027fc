"""The feed `senticrypt`: 24 hours of readings from one address, asked for only when changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.http import LIMITS, Answer, Limits, conditions, fetch, open_client
from isbitcoinlit.feeds.rows import parse_rows


@dataclass(frozen=True, slots=True)
class _Last:
    """The last good answer."""

    pull: Pull
    digest: bytes
    conditions: Mapping[str, str]


class SentiCrypt:
    """SentiCrypt v1, or any address that speaks its format."""

    name = "senticrypt"

    def __init__(self, url: str, clock: Clock, limits: Limits = LIMITS) -> None:
        self._url = url
        self._clock = clock
        self._limits = limits
        self._client = open_client(limits)
        self._last: _Last | None = None

    async def pull(self) -> Pull:
        """The last 24 hours; an unchanged answer gives the same readings again.

        The same again rather than nothing, so that a gap in what was stored closes by itself.
        """
        last = self._last
        headers = last.conditions if last else {}
        answer = await fetch(
            self._client, self._url, headers, clock=self._clock, limits=self._limits
        )
        if answer.status == HTTPStatus.NOT_MODIFIED:
            if last is None:
                raise FeedInvalid("SentiCrypt answered 304 to a request that set no condition.")
            return last.pull
        return await self._read(answer)

    async def _read(self, answer: Answer) -> Pull:
        """The readings of a body, remembered once they proved good."""
        digest = sha256(answer.body).digest()
        if self._last is not None and self._last.digest == digest:
            pull = self._last.pull
        else:
            # In a thread: a large body takes long enough for polls to notice.
            pull = await asyncio.to_thread(
                parse_rows, answer.body, self._clock.now(), "SentiCrypt sent"
            )
        # What is in the future now will not be later: such a body has to be read again.
        whole = "time-in-future" not in pull.rejected
        self._last = _Last(pull, digest, conditions(answer.headers)) if whole else None
        return pull

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
