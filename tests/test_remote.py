"""The client of a service elsewhere, with files and services that are not what they should be."""

from pathlib import Path

import httpx
import pytest
import respx

from isbitcoinlit.errors import RemoteError
from isbitcoinlit.remote import Remote

URL = "http://service.example"
GIVEN = {"access_token": "a", "refresh_token": "r"}


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Where the tokens are kept."""
    return tmp_path / "tokens.json"


@pytest.mark.parametrize(
    "kept", ["", "[]", "null", "5", "{", f'{{"{URL}": 5}}', f'{{"{URL}": {{"access_token": "a"}}}}']
)
@respx.mock
def test_a_file_that_cannot_be_read_holds_no_tokens(tokens: Path, kept: str) -> None:
    """Whatever is in the file, a login is asked for, and replaces it."""
    tokens.write_text(kept)
    refresh = respx.post(f"{URL}/refresh").mock(return_value=httpx.Response(401))
    respx.post(f"{URL}/api/v1/auth/login").mock(return_value=httpx.Response(200, json=GIVEN))

    with Remote(URL, tokens=tokens) as remote:
        assert remote.refresh() is None
        remote.login("alice", "her password")
        refresh.mock(return_value=httpx.Response(200, json={"feed": "demo"}))
        assert remote.refresh() == {"feed": "demo"}

    assert refresh.calls.last.request.headers["authorization"] == "Bearer a"


@respx.mock
def test_an_access_token_that_has_expired_is_renewed(tokens: Path) -> None:
    """The refresh token is used once, and what it gives is kept."""
    tokens.write_text(f'{{"{URL}": {{"access_token": "old", "refresh_token": "r1"}}}}')
    answers = [httpx.Response(401), httpx.Response(200, json={"feed": "demo"})]
    respx.post(f"{URL}/refresh").mock(side_effect=answers)
    renew = respx.post(f"{URL}/api/v1/auth/refresh")
    renew.mock(return_value=httpx.Response(200, json=GIVEN))

    with Remote(URL, tokens=tokens) as remote:
        assert remote.refresh() == {"feed": "demo"}

    assert renew.calls.last.request.content == b'{"refresh_token":"r1"}'
    assert '"refresh_token": "r"' in tokens.read_text()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"7", b"{}", b'{"access_token": "a"}'])
@respx.mock
def test_something_else_that_answers(tokens: Path, body: bytes) -> None:
    """A server that is no service of this kind is told of in a sentence."""
    respx.post(f"{URL}/api/v1/auth/login").mock(return_value=httpx.Response(200, content=body))

    with Remote(URL, tokens=tokens) as remote, pytest.raises(RemoteError, match="of this kind"):
        remote.login("alice", "her password")


@respx.mock
def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Where the tokens cannot be kept, a sentence says where that was tried."""
    respx.post(f"{URL}/api/v1/auth/login").mock(return_value=httpx.Response(200, json=GIVEN))
    (tmp_path / "file").write_text("")

    with (
        Remote(URL, tokens=tmp_path / "file" / "tokens.json") as remote,
        pytest.raises(RemoteError, match=r"kept in .*tokens\.json"),
    ):
        remote.login("alice", "her password")
