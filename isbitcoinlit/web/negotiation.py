"""Which form of an answer a client asks for."""

from functools import lru_cache


def prefers_text(accept: bytes) -> bool:
    """Tell whether an `Accept` header wants plain text more than JSON; a tie is JSON's."""
    return prefers(accept, "text/plain")


@lru_cache(maxsize=256)
def prefers(accept: bytes, media_type: str) -> bool:
    """Tell whether an `Accept` header wants a kind of text more than JSON; a tie is JSON's."""
    if b"text/" not in accept:
        return False
    ranges = dict(_range(part) for part in accept.decode("latin-1").lower().split(","))
    text = _quality(ranges, media_type, "text/*")
    return text > _quality(ranges, "application/json", "application/*")


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            return name, _number(parameter.removeprefix("q="))
    return name, 1.0


def _number(text: str) -> float:
    """Read a quality; what is none asks for nothing."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _quality(ranges: dict[str, float], name: str, family: str) -> float:
    """Return how much a type is wanted; the closest range decides, as RFC 9110 has it."""
    return next((ranges[known] for known in (name, family, "*/*") if known in ranges), 0.0)
