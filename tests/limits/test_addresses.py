"""Who a client is."""

from ipaddress import ip_network

import pytest

from isbitcoinlit.limits.addresses import UNKNOWN, Addresses

PROXY = "192.0.2.1"


@pytest.fixture
def behind_proxies() -> Addresses:
    """Trusts one proxy, and a network of them."""
    return Addresses([ip_network(PROXY), ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, UNKNOWN),
    ],
)
def test_peers(peer: str | None, client: str) -> None:
    """IPv4 is counted by address, IPv6 by /64, a mapped IPv4 address as what it is."""
    assert Addresses([]).client(peer, None) == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (PROXY, b"198.51.100.7", "198.51.100.7"),
        (PROXY, b"203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (PROXY, b"203.0.113.9, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
        (PROXY, b"10.9.9.9, 10.1.2.3", "10.9.9.9"),
        (PROXY, b"2001:db8::5", "2001:db8::/64"),
        (PROXY, b"[2001:db8::5]:443", "2001:db8::/64"),
        (PROXY, b"198.51.100.7:5123", "198.51.100.7"),
        (PROXY, b"unknown", PROXY),
        (PROXY, b"198.51.100.7, rubbish, 10.1.2.3", "10.1.2.3"),
        (PROXY, b"", PROXY),
        (PROXY, None, PROXY),
        ("198.51.100.7", b"203.0.113.9", "198.51.100.7"),
    ],
)
def test_proxies(
    behind_proxies: Addresses, peer: str, forwarded: bytes | None, client: str
) -> None:
    """`X-Forwarded-For` is believed from trusted proxies, back to the first that is not one."""
    assert behind_proxies.client(peer, forwarded) == client


def test_nobody_is_trusted_by_default() -> None:
    """Without a setting, `X-Forwarded-For` is anybody's word."""
    assert Addresses([]).client("127.0.0.1", b"203.0.113.9") == "127.0.0.1"
