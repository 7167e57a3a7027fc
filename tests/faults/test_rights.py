"""The service as the user of docs/deploying.md, who may do little."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.end_to_end.service import Service, run, service
from tests.end_to_end.test_operators import command
from tests.end_to_end.world import played_world
from tests.faults.rigs import Rig, of_shape

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
PASSWORD = "p@ss/word,#1"
OPERATOR = {"username": "alice", "password": "a good long password"}


def rights() -> list[str]:
    """The page's line as the arguments of a command."""
    [line] = re.findall(r"^    (ACL SETUSER .*)$", PAGE.read_text(), re.MULTILINE)
    return [word.replace("PASSWORD", PASSWORD) for word in str(line).split()]


def as_the_user(rig: Rig) -> str:
    """The address with the user in it, who is made on every server."""
    for node in rig.servers:
        rig.ask(node, *rights())
        rig.ask(node, "ACL", "LOG", "RESET")
    return rig.url.replace("://", "://isbitcoinlit:p%40ss%2Fword%2C%231@")


def everything(running: Service) -> None:
    """Ask for all that can be had without naming anything in particular."""
    login = httpx.post(f"{running.url}/api/v1/auth/login", json=OPERATOR).json()
    client = httpx.Client(
        base_url=running.url,
        headers={"authorization": f"Bearer {login['access_token']}"},
        timeout=20,
    )
    with client:
        assert client.post("/refresh").status_code == 200
        for path, operations in client.get("/openapi.json").json()["paths"].items():
            if "get" in operations and path not in {"/api/v1/stream", "/api/v1/auth/logout"}:
                assert client.get(path).status_code < 500, path
        with client.stream("GET", "/api/v1/stream") as stream:
            assert next(stream.iter_lines()).startswith("retry")
        renewed = client.post(
            "/api/v1/auth/refresh", json={"refresh_token": login["refresh_token"]}
        )
        assert renewed.status_code == 200
        assert client.post("/api/v1/auth/logout").status_code < 500


@pytest.mark.parametrize("shape", ["sentinel", "cluster"])
def test_the_rights_suffice(shape: str) -> None:
    """Whatever the service does, Redis refuses that user nothing."""
    with of_shape(shape) as rig, played_world() as upstream:
        settings = {
            "redis_url": as_the_user(rig),
            "feed": "senticrypt,live",
            "refresh_interval": 0.5,
            **upstream.settings(),
        }
        command("operator", "add", "alice", said=f"{OPERATOR['password']}\n", **settings)
        with service(**settings) as running:
            everything(running)
        doctor = run("doctor", **settings)
        refused = [entry for node in rig.servers for entry in rig.ask(node, "ACL", "LOG")]

    assert refused == []
    assert "Redis  " in doctor.stdout
    assert "refuses" not in doctor.stdout


def test_a_wrong_password_is_told_and_not_repeated() -> None:
    """Who may not log in is told which setting to correct, and nothing of what it holds."""
    with of_shape("single") as rig:
        url = as_the_user(rig).replace("p%40ss", "wrong%40")
        doctor = run("doctor", redis_url=url, feed="demo")

    assert "correct ISBITCOINLIT_REDIS_URL" in doctor.stdout
    assert (urlsplit(url).password or "-") not in doctor.stdout + doctor.stderr
    assert "wrong@" not in doctor.stdout + doctor.stderr
