"""Every route, and who may use it."""

import re
from typing import Any

import httpx
import jwt
import pytest

from isbitcoinlit.operators.tokens import ACCESS_SECONDS, REFRESH_SECONDS
from isbitcoinlit.web.app import Service
from tests.manual_clock import ManualClock
from tests.operators.conftest import PASSWORD

pytestmark = pytest.mark.anyio

Routes = list[tuple[str, str, int]]

LOGIN, REFRESH = "/api/v1/auth/login", "/api/v1/auth/refresh"

PUBLIC: Routes = [
    ("GET", "/", 200),
    ("GET", "/is-bitcoin-lit", 200),
    ("HEAD", "/is-bitcoin-lit", 200),
    ("GET", "/health/live", 200),
    ("GET", "/health/ready", 200),
    ("GET", "/health/feeds", 200),
    ("GET", "/health/feeds/demo", 200),
    ("GET", "/badge.json", 200),
    ("GET", "/badge.svg", 200),
    ("GET", "/api/v1/series", 200),
    ("GET", "/api/v1/candles", 200),
    ("GET", "/api/v1/correlation", 422),
    ("GET", "/api/v1/summary", 200),
    ("GET", "/api/v1/readings", 200),
    ("GET", "/api/v1/readings/latest", 200),
    ("GET", "/api/v1/headlines", 200),
    ("GET", "/v1/bitcoin.json", 200),
    ("GET", "/v1/history/index.json", 200),
    ("GET", "/v1/history/bitcoin-1999-01-01_00.json", 404),
    ("GET", "/openapi.json", 200),
    ("GET", "/docs", 200),
    ("GET", "/nothing", 404),
    ("POST", LOGIN, 422),
    ("POST", REFRESH, 422),
]
"""Routes for everybody; what is missing in a question is no question of who asks."""

CLOSED: Routes = [
    ("POST", "/refresh", 200),
    ("GET", "/metrics", 200),
    ("GET", "/api/v1/usage", 200),
    ("GET", "/api/v1/audit", 200),
    ("GET", "/api/v1/auth/session", 200),
    ("POST", "/api/v1/auth/logout", 204),
    ("DELETE", f"/api/v1/auth/sessions/{'0' * 32}", 404),
]
"""Routes for operators; the last names a session that is not theirs."""

ENDLESS = {("GET", "/api/v1/stream")}
"""Routes whose answers do not end; they are asked in tests of their own."""

REFUSED = ["nobody", "expired", "blacklisted", "foreign", "unsigned", "refresh-token", "other"]


async def login(client: httpx.AsyncClient, name: str = "alice") -> dict[str, str]:
    """Return what a login gives."""
    answer = await client.post(LOGIN, json={"username": name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def bearer(token: str) -> dict[str, str]:
    """Return the header that sends a token."""
    return {"Authorization": f"Bearer {token}"}


async def credentials(
    who: str, client: httpx.AsyncClient, app: Service, clock: ManualClock
) -> dict[str, str]:
    """Return the headers of somebody."""
    tokens = await login(client)
    access, desk = tokens["access_token"], app.state.resources.operators
    options: Any = {"verify_signature": False}
    claims = jwt.decode(access, options=options)
    if who == "expired":
        clock.advance(ACCESS_SECONDS + 31)
    if who == "blacklisted":
        await desk.sessions.blacklist((await desk.identify(access)).claims)
    sent = {
        "operator": access,
        "static": "the token for scripts",
        "expired": access,
        "blacklisted": access,
        "foreign": jwt.encode(claims, b"f" * 32, "HS256"),
        "unsigned": jwt.encode(claims, None, "none"),
        "refresh-token": tokens["refresh_token"],
        "other": "not even a token",
    }
    return bearer(sent[who]) if who in sent else {}


async def ask(client: httpx.AsyncClient, routes: Routes, headers: dict[str, str]) -> Routes:
    """Return the routes with the status that each of them answers."""
    answers = [await client.request(method, path, headers=headers) for method, path, _ in routes]
    for answer in answers:
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
    return [
        (method, path, answer.status_code)
        for (method, path, _), answer in zip(routes, answers, strict=True)
    ]


async def test_every_route_is_here(client: httpx.AsyncClient) -> None:
    """A route that is added has to be put into one of the tables above."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    asked = [(method, path) for method, path, _ in (*PUBLIC, *CLOSED)]
    missing = {
        (method, path)
        for method, path in described - ENDLESS
        if not any(
            method == other and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), concrete)
            for other, concrete in asked
        )
    }
    assert missing == set()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("who", ["operator", "static", *REFUSED])
async def test_public_routes(
    client: httpx.AsyncClient, app: Service, clock: ManualClock, who: str
) -> None:
    """What is for everybody asks nobody who they are."""
    headers = await credentials(who, client, app, clock)
    assert await ask(client, PUBLIC, headers) == PUBLIC


@pytest.mark.usefixtures("alice")
async def test_closed_routes_open(client: httpx.AsyncClient) -> None:
    """An operator's access token opens what is for operators."""
    for route in CLOSED:
        headers = bearer((await login(client))["access_token"])
        assert await ask(client, [route], headers) == [route]


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("who", REFUSED)
async def test_closed_routes_stay_closed(
    client: httpx.AsyncClient, app: Service, clock: ManualClock, who: str
) -> None:
    """Everybody else is told to log in, by a problem with a challenge."""
    headers = await credentials(who, client, app, clock)
    assert await ask(client, CLOSED, headers) == [(m, path, 401) for m, path, _ in CLOSED]


async def test_the_token_from_the_settings(client: httpx.AsyncClient) -> None:
    """The token for scripts opens everything, but has no session to end."""
    expected = [(m, path, 403 if path.endswith("logout") else n) for m, path, n in CLOSED]
    assert await ask(client, CLOSED, bearer("the token for scripts")) == expected


@pytest.mark.usefixtures("alice")
async def test_sessions_of_others(client: httpx.AsyncClient, app: Service) -> None:
    """An operator sees and ends their own sessions, and nobody else's."""
    desk = app.state.resources.operators
    await desk.accounts.add("bob", await desk.passwords.hash(PASSWORD))
    alice, again = await login(client), await login(client)
    bob = bearer((await login(client, "bob"))["access_token"])
    told = (await client.get("/api/v1/auth/session", headers=bearer(alice["access_token"]))).json()
    assert told["operator"] == "alice"
    assert [one["current"] for one in told["sessions"]].count(True) == 1
    current = next(one["id"] for one in told["sessions"] if one["current"])
    path = f"/api/v1/auth/sessions/{current}"
    assert (await client.delete(path, headers=bob)).status_code == 404
    headers = bearer(again["access_token"])
    assert (await client.delete(path, headers=headers)).status_code == 204
    answer = await client.get("/api/v1/usage", headers=bearer(alice["access_token"]))
    assert answer.status_code == 401


@pytest.mark.usefixtures("app")
async def test_this_machine_until_there_is_an_operator(
    client: httpx.AsyncClient, local_client: httpx.AsyncClient, app: Service
) -> None:
    """Callers on this machine need no login until one operator exists; others always do."""
    assert (await local_client.post("/refresh")).status_code == 200
    assert (await client.post("/refresh")).status_code == 403
    desk = app.state.resources.operators
    await desk.accounts.add("alice", await desk.passwords.hash(PASSWORD))
    assert (await local_client.post("/refresh")).status_code == 401
    headers = bearer((await login(client))["access_token"])
    assert (await client.post("/refresh", headers=headers)).status_code == 200
    events = [(e.who, e.what) for e in await desk.audit.read(10)]
    assert events == [("alice", "refresh"), ("alice", "login"), ("loopback", "refresh")]


@pytest.mark.usefixtures("app")
async def test_metrics_on_this_machine(local_client: httpx.AsyncClient) -> None:
    """Metrics are open to callers on this machine."""
    assert (await local_client.get("/metrics")).status_code == 200


@pytest.mark.usefixtures("alice")
async def test_the_form_of_oauth2(client: httpx.AsyncClient) -> None:
    """The form that the documentation's "Authorize" sends is a login too."""
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD, "scope": ""}
    answer = await client.post(LOGIN, data=form)
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["refresh_expires_in"] == REFRESH_SECONDS
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b'"alice"', 422),
        (b'{"username": "alice"}', 422),
        (b'{"username": "alice", "password": 5}', 422),
        (b'{"username": "alice", "password": "\\ud800"}', 422),
        (b'{"username": "a\\u0000", "password": "x"}', 401),
        (b"\xff\xfe", 422),
        (b"[" * 5_000, 422),
        (b" " * 8_193, 413),
    ],
)
async def test_garbage_at_the_door(client: httpx.AsyncClient, content: bytes, status: int) -> None:
    """Whatever is sent instead of a name and a password gets a problem, never a crash."""
    answer = await client.post(LOGIN, content=content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("alice")
async def test_too_many_failures(client: httpx.AsyncClient) -> None:
    """After five failures the answer is 429, and says when to come back."""
    wrong = {"username": "alice", "password": "wrong"}
    statuses = [(await client.post(LOGIN, json=wrong)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    answer = await client.post(LOGIN, json=wrong)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"].endswith("too-many-failed-logins")


@pytest.mark.usefixtures("alice")
async def test_a_reused_refresh_token(client: httpx.AsyncClient, app: Service) -> None:
    """A refresh token that comes twice is refused, and the audit says why."""
    tokens = await login(client)
    body = {"refresh_token": tokens["refresh_token"]}
    renewed = (await client.post(REFRESH, json=body)).json()
    assert (await client.post(REFRESH, json=body)).status_code == 401
    body = {"refresh_token": renewed["refresh_token"]}
    assert (await client.post(REFRESH, json=body)).status_code == 401
    events = await app.state.resources.operators.audit.read(2)
    assert [event.result for event in events] == ["TokenRefused", "TokenReused"]


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("headers", [{"Origin": "http://evil"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_other_pages(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A page of another origin cannot use a token, should it ever get hold of one."""
    tokens = await login(client)
    answer = await client.post("/refresh", headers=bearer(tokens["access_token"]) | headers)
    assert answer.status_code == 403
