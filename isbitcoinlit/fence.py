"""What shows with a write that its writer is still the one who may write."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fence:
    """A key under the same hash tag as what is written, and what it must hold.

    Whoever takes the lease next raises it; so a process that was stopped while it held the lease
    cannot write when it goes on.
    """

    key: str
    value: str
    """A number that only grows, and a name for the taking; empty for no fence at all."""
    untold: str = ""
    """A key that holds the value from a write until others were told of it; empty for none.

    Who takes the lease and finds another's value there knows that it died in between.
    """


NO_FENCE = Fence("", "")
"""For whoever writes without a lease: what it writes may be written at any time."""

GUARD = """
if ARGV[1] ~= '' then
    local fence = redis.call('GET', KEYS[1])
    if fence and fence ~= ARGV[1] then
        return redis.error_reply('FENCED another process has taken the lease')
    end
end
"""
"""Lua: refuses if the first key holds something else than the first argument.

Without the key Redis has lost its memory, and nobody has taken the lease since.
"""
FENCED = "FENCED"
"""The code of that refusal."""
