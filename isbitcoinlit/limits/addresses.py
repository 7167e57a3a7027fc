"""Who a client is: the address that it calls from, and what proxies we trust say about it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

UNKNOWN = "local"
"""A client on a unix socket."""
REMEMBERED = 20_000
"""Addresses whose form is remembered, so that hardly a request costs a parse."""
_PREFIX_BITS = 64
"""The smallest network that is given to an IPv6 subscriber; all its addresses are one client."""


class Addresses:
    """Turns what a request says about its origin into one word for the client."""

    def __init__(self, trusted_proxies: Sequence[Network]) -> None:
        self._trusted = tuple(trusted_proxies)
        self._known: dict[tuple[str, bytes | None], str] = {}

    def client(self, peer: str | None, forwarded: bytes | None) -> str:
        """Return the client's address, an IPv6 one without its last 64 bits.

        `forwarded` is the value of `X-Forwarded-For`; it counts only from a trusted proxy.
        """
        if not self._trusted:
            if peer is not None and ":" not in peer:
                return peer  # An IPv4 address as the system writes it: most requests end here.
            forwarded = None
        key = (peer or UNKNOWN, forwarded)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._find(*key)
        return known

    def _find(self, peer: str, forwarded: bytes | None) -> str:
        """Walk back from the nearest proxy to the first address that is not one of ours."""
        client = peer
        hops = forwarded.decode("latin-1").split(",") if forwarded else []
        while hops and self._is_trusted(client):
            hop = _bare(hops.pop())
            if _parse(hop) is None:
                break  # A trusted proxy writes addresses; what is left of this is anybody's word.
            client = hop
        return _network(client)

    def _is_trusted(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def _bare(hop: str) -> str:
    """Take the port off an address, as some proxies write it."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def _network(address: str) -> str:
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, _PREFIX_BITS), strict=False))
    return str(parsed) if parsed else address
