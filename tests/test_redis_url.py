"""Addresses of Redis in their parts."""

import pytest

from isbitcoinlit.events.follower import WAIT_SECONDS
from isbitcoinlit.redis_url import SHORTEST_TIMEOUT, Shape, parse


def test_sentinel() -> None:
    """Sentinels, the name of the primary and the database are told apart."""
    url = parse("redis+sentinel://me:s%40crt@a:1,b,[::1]:3/mymaster/2?sentinel_password=x%26y")

    assert url.shape is Shape.SENTINEL
    assert url.nodes == (("a", 1), ("b", 26_379), ("::1", 3))
    assert url.service == "mymaster"
    assert url.plain == "redis://me:s%40crt@localhost/2"
    assert url.sentinel_login == (None, "x&y")


def test_cluster() -> None:
    """Nodes and options are told apart; certificates are files."""
    url = parse("rediss+cluster://:p@a:1,b/?ssl_ca_certs=/ca.pem&ssl_check_hostname=false")

    assert url.shape is Shape.CLUSTER
    assert url.nodes == (("a", 1), ("b", 6_379))
    assert url.plain == ("rediss://:p@localhost/0?ssl_ca_certs=%2Fca.pem&ssl_check_hostname=false")
    assert list(map(str, url.files)) == ["/ca.pem"]


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:1/3", "unix:///a/b.sock?db=1"])
def test_one_server(url: str) -> None:
    """What redis-py reads itself is left to it."""
    assert (parse(url).shape, parse(url).plain) == (Shape.SINGLE, url)


@pytest.mark.parametrize(
    "url",
    ["redis+sentinel://u:hunter2@a:1/m?sentinel_password=hunter2", "redis+cluster://:hunter2@a"],
)
def test_secrets_are_not_shown(url: str) -> None:
    """Whoever logs the parts logs no password."""
    assert "hunter2" not in repr(parse(url))


@pytest.mark.parametrize("address", ["redis://h", "redis+sentinel://h/m", "redis+cluster://h"])
@pytest.mark.parametrize("seconds", ["1", "2.9", "soon", "nan", "inf"])
def test_a_timeout_leaves_time_to_wait_for_events(address: str, seconds: str) -> None:
    """A timeout that would end every wait for events is refused; a longer one is taken."""
    with pytest.raises(ValueError, match="should have a socket_timeout of 3 seconds or more"):
        parse(f"{address}?socket_timeout={seconds}")

    assert "socket_timeout=3" in parse(f"{address}?socket_timeout=3").plain


def test_the_shortest_timeout_is_longer_than_a_wait() -> None:
    """A read that waits for events gets its answer before the connection counts as dead."""
    assert SHORTEST_TIMEOUT > WAIT_SECONDS
