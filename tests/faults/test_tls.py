"""Redis over TLS, with certificates of an authority of our own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isbitcoinlit.errors import RedisUnavailable
from isbitcoinlit.patience import ride_out
from isbitcoinlit.redis_client import connect, redis_errors
from tests.faults.node import HOST, Node, free_ports, server

pytestmark = pytest.mark.anyio
KEY = "{isbitcoinlit}:key"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority, and a certificate of it for 127.0.0.1."""
    path = tmp_path_factory.mktemp("certificates")
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    address = "subjectAltName=IP:127.0.0.1"
    ca = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"]
    own = ["-keyout", "own.key", "-out", "own.pem", "-subj", "/CN=redis", "-addext", address]
    for arguments in (ca, [*own, "-CA", "ca.pem", "-CAkey", "ca.key"]):
        subprocess.run([*new, *arguments], cwd=path, check=True, capture_output=True)
    return path


class TLSNode(Node):
    """A server that speaks nothing else."""

    def listens(self) -> bool:
        """Whether it says that it does."""
        return "Ready to accept connections tls" in self.log()


@contextmanager
def encrypted(certificates: Path, directory: Path, *options: str) -> Iterator[int]:
    """Run a server that wants a certificate of its clients; give its port."""
    port, bus = free_ports(2)
    plain = server(
        directory / "redis",
        0,
        *("--tls-port", str(port), "--tls-ca-cert-file", str(certificates / "ca.pem")),
        *("--tls-cert-file", str(certificates / "own.pem")),
        *("--tls-key-file", str(certificates / "own.key")),
        *options,
        *(("--cluster-port", str(bus)) if options else ()),
    )
    node = TLSNode(plain.directory, port, plain.command)
    try:
        node.start()
        yield port
    finally:
        node.kill()


def options(certificates: Path) -> str:
    """The certificates as a part of an address."""
    names = {"ssl_ca_certs": "ca.pem", "ssl_certfile": "own.pem", "ssl_keyfile": "own.key"}
    return "&".join(f"{name}={certificates / file}" for name, file in names.items())


async def test_one_server(certificates: Path, tmp_path: Path) -> None:
    """`rediss://` with certificates works, and without them it is refused."""
    with encrypted(certificates, tmp_path) as port:
        async with connect(f"rediss://{HOST}:{port}/0?{options(certificates)}") as redis:
            assert await redis.set(KEY, 1)
        async with connect(f"rediss://{HOST}:{port}/0") as redis:
            with pytest.raises(RedisUnavailable, match="certificate"), redis_errors():
                await redis.get(KEY)


async def test_a_cluster(certificates: Path, tmp_path: Path) -> None:
    """`rediss+cluster://` finds the master over TLS, and talks to it over TLS."""
    with encrypted(
        certificates, tmp_path, "--cluster-enabled", "yes", "--tls-cluster", "yes"
    ) as port:
        one = f"rediss://{HOST}:{port}/0?{options(certificates)}"
        async with connect(one) as redis:
            await redis.cluster("ADDSLOTSRANGE", 0, 16_383)
        url = f"rediss+cluster://{HOST}:{port}?{options(certificates)}"
        async with connect(url, "isbitcoinlit") as redis:

            async def write() -> object:
                with redis_errors():
                    return await redis.set(KEY, 1)

            # Until it has noticed that it is complete, it says that it is down.
            assert await ride_out(10, write)
            assert await redis.get(KEY) == "1"
