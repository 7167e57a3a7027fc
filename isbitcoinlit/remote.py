"""Runs a service elsewhere as its operator, and keeps the tokens that it gives in a file."""

import json
import os
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Self

import httpx

from isbitcoinlit.errors import LoginFailed, RemoteError

REFRESH_SECONDS = 30.0
"""A refresh waits for its feed, which may take its time."""
_TOKENS = ("access_token", "refresh_token")
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def tokens_file() -> Path:
    """Where the platform keeps a user's configuration."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "isbitcoinlit" / "tokens.json"


class Remote:
    """One service; the file holds the tokens of all that were ever logged in to."""

    def __init__(self, url: str, *, tokens: Path | None = None) -> None:
        self._url = url.rstrip("/")
        self._file = tokens or tokens_file()
        self._http = httpx.Client(timeout=REFRESH_SECONDS)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give back connections."""
        self._http.close()

    def refresh(self) -> dict[str, Any] | None:
        """Have the feed pulled; None when that needs a login. Raises `RemoteError`."""
        tokens = self._read().get(self._url)
        answer = self._post("/refresh", access=tokens["access_token"] if tokens else None)
        if answer.status_code in _REFUSED and tokens and self._renew(tokens["refresh_token"]):
            answer = self._post("/refresh", access=self._read()[self._url]["access_token"])
        if answer.status_code in _REFUSED:
            return None
        return self._content(answer)

    def login(self, name: str, password: str) -> None:
        """Get tokens; raises `LoginFailed` or `RemoteError`."""
        answer = self._post("/api/v1/auth/login", {"username": name, "password": password})
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise LoginFailed("The name or the password is wrong.")
        self._keep(self._content(answer))

    def _renew(self, token: str) -> bool:
        answer = self._post("/api/v1/auth/refresh", {"refresh_token": token})
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            return False
        self._keep(self._content(answer))
        return True

    def _post(
        self, path: str, body: dict[str, str] | None = None, access: str | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        try:
            return self._http.post(self._url + path, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(f"{self._url} cannot be reached: {error}") from error

    def _content(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            content: dict[str, Any] = answer.json()
        except ValueError:
            content = {}
        if not isinstance(content, dict) or not content:
            raise RemoteError(f"{self._url} is not a service of this kind.")
        if not answer.is_success:
            said = content.get("detail") or content
            raise RemoteError(f"{self._url} answers {answer.status_code}: {said}")
        return content

    def _read(self) -> dict[str, dict[str, str]]:
        """Return the tokens by address; a file that cannot be read holds none."""
        try:
            kept = json.loads(self._file.read_text())
            return {url: {name: tokens[name] for name in _TOKENS} for url, tokens in kept.items()}
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return {}

    def _keep(self, given: dict[str, Any]) -> None:
        """Replace the file in one go; nobody else may ever read it."""
        tokens = {name: given.get(name) for name in _TOKENS}
        if not all(tokens.values()):
            raise RemoteError(f"{self._url} is not a service of this kind.")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=self._file.parent, delete=False) as file:  # mode 600
                json.dump(self._read() | {self._url: tokens}, file)
            Path(file.name).replace(self._file)
        except OSError as error:
            raise RemoteError(f"The tokens cannot be kept in {self._file}: {error}") from error
