"""What an address of Redis says: one server, a primary that Sentinel names, or a Cluster."""

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit


class Shape(StrEnum):
    """How Redis is run at an address."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


Endpoint = tuple[str, int]
"""A host and a port."""

SCHEMES = {
    "redis": Shape.SINGLE,
    "rediss": Shape.SINGLE,
    "unix": Shape.SINGLE,
    "redis+sentinel": Shape.SENTINEL,
    "rediss+sentinel": Shape.SENTINEL,
    "redis+cluster": Shape.CLUSTER,
    "rediss+cluster": Shape.CLUSTER,
}
_PORTS = {Shape.SENTINEL: 26_379, Shape.CLUSTER: 6_379}
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""Options that name a file in PEM format."""
OPTIONS = {
    *FILES,
    *("db", "username", "password", "client_name"),
    *("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_path", "ssl_password", "ssl_ciphers"),
    *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "health_check_interval"),
}
"""What may stand after the question mark."""
SHORTEST_TIMEOUT = 3.0
"""Seconds that an answer may take, at least: whoever waits for events asks for two."""
SENTINEL_OPTIONS = {"sentinel_username", "sentinel_password"}


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """An address in its parts."""

    shape: Shape
    plain: str = field(repr=False)
    """The address of the first server as redis-py reads it: user, password and options."""
    nodes: tuple[Endpoint, ...] = ()
    """The sentinels, or some servers of the cluster."""
    service: str = ""
    """What the sentinels call the primary."""
    sentinel_login: tuple[str | None, str | None] = field(default=(None, None), repr=False)
    """User and password of the sentinels themselves."""
    files: tuple[Path, ...] = ()
    """The certificates and keys that it names."""


def parse(url: str) -> RedisUrl:
    """Read an address; raises `ValueError` with words that hold nothing of it."""
    scheme, _, rest = url.partition("://")
    shape = SCHEMES.get(scheme)
    if shape is None:
        raise ValueError(
            "should start with redis://, rediss:// or unix://, or with redis+sentinel://, "
            "redis+cluster:// or these two with rediss"
        )
    options = _options(rest.partition("#")[0].partition("?")[2], shape)
    files = tuple(Path(options[name]) for name in FILES if name in options)
    if shape is Shape.SINGLE:
        _check_single(url)
        return RedisUrl(shape, url, files=files)
    netloc, _, path = rest.partition("#")[0].partition("?")[0].partition("/")
    login, at, hosts = netloc.rpartition("@")
    nodes = tuple(_endpoint(host, _PORTS[shape]) for host in hosts.split(","))
    service, database = _service(path) if shape is Shape.SENTINEL else ("", _database(path))
    sentinel = options.pop("sentinel_username", None), options.pop("sentinel_password", None)
    query = f"?{urlencode(options)}" if options else ""
    plain = f"{scheme.partition('+')[0]}://{login}{at}localhost/{database}{query}"
    return RedisUrl(shape, plain, nodes, service, sentinel, files)


def _options(query: str, shape: Shape) -> dict[str, str]:
    known = OPTIONS | SENTINEL_OPTIONS if shape is Shape.SENTINEL else OPTIONS
    options = dict(parse_qsl(query))
    if not options.keys() <= known:
        raise ValueError(f"should have no options but {', '.join(sorted(known))}")
    if not _lasts(options.get("socket_timeout", str(SHORTEST_TIMEOUT))):
        raise ValueError(
            f"should have a socket_timeout of {SHORTEST_TIMEOUT:g} seconds or more, or none: Redis "
            "may take two to tell that nothing has happened"
        )
    return options


def _lasts(timeout: str) -> bool:
    try:
        return SHORTEST_TIMEOUT <= float(timeout) < inf
    except ValueError:
        return False


def _check_single(url: str) -> None:
    try:
        good = urlsplit(url).port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            "should be an address such as redis://user:password@host:6379/0; in a password, "
            "characters such as / # ? @ are written as %2F %23 %3F %40"
        )


def _endpoint(text: str, port: int) -> Endpoint:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port or port
    except ValueError:
        host = ""
    if not host:
        raise ValueError(
            "should name its servers as host:port, with commas between them; in a password, "
            "characters such as / # ? @ , are written as %2F %23 %3F %40 %2C"
        )
    return host, port


def _service(path: str) -> tuple[str, str]:
    service, _, database = path.partition("/")
    if not service or not (database or "0").isdecimal():
        raise ValueError(
            "should end with the name that Sentinel has for the primary, and perhaps a database: "
            "redis+sentinel://host1:26379,host2:26379/mymaster/0"
        )
    return service, database or "0"


def _database(path: str) -> str:
    if path not in {"", "0"}:
        raise ValueError("should name no database: a Cluster has none but 0")
    return "0"
