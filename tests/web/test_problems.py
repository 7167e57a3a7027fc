"""Every failure is a problem in one form."""

import asyncio
import json
from typing import Annotated

import httpx
import pytest
import structlog
from fastapi import HTTPException, Query

from isbitcoinlit.web.app import Service
from tests.web.problem import assert_problem

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "path", ["/nope", "/is-bitcoin-lit/x", "/IS-BITCOIN-LIT", "/a%20b%3Fc", "/é", "/a:b@c;d=1"]
)
async def test_an_unknown_path(client: httpx.AsyncClient, path: str) -> None:
    """What is not there is a 404 that says where to look."""
    response = await client.get(path)

    assert_problem(response, 404, "not-found")
    assert "/docs" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/is-bitcoin-lit", "GET"),
        ("DELETE", "/is-bitcoin-lit", "GET"),
        ("GET", "/refresh", "POST"),
        ("PUT", "/refresh", "POST"),
        ("POST", "/health/ready", "GET"),
    ],
)
async def test_a_wrong_method(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    """A wrong method is a 405 that says which one is right."""
    response = await client.request(method, path)

    assert_problem(response, 405, "method-not-allowed")
    assert allowed in response.headers["allow"]
    assert method in response.json()["detail"]


async def test_an_invalid_request(app: Service, client: httpx.AsyncClient) -> None:
    """A parameter that cannot be is a 422 that names it."""

    @app.get("/numbers")
    async def numbers(number: Annotated[int, Query(gt=0)]) -> int:
        return number

    response = await client.get("/numbers?number=-1")

    assert_problem(response, 422, "invalid-request")
    assert response.json()["errors"][0]["parameter"] == "number"
    assert response.json()["detail"].startswith("number: ")


async def test_a_crash(app: Service, client: httpx.AsyncClient) -> None:
    """A defect of ours is a 500 that tells nothing; the log has it, with the same request id."""

    @app.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError("a secret")

    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        response = await client.get("/crash", headers={"x-request-id": "mine"})

    assert_problem(response, 500, "internal-error")
    assert "secret" not in response.text
    assert [(line["event"], line["request_id"]) for line in lines] == [("request-crashed", "mine")]
    assert (await client.get("/is-bitcoin-lit")).status_code == 200


async def test_a_status_of_another_kind(app: Service, client: httpx.AsyncClient) -> None:
    """Whatever status a route raises comes in the one form."""

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", {"X-Lid": "on"})

    response = await client.get("/teapot")

    assert_problem(response, 418, "i'm-a-teapot")
    assert (response.json()["detail"], response.headers["x-lid"]) == ("short and stout", "on")


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "", "x:port", "é"])
@pytest.mark.parametrize("path", ["/is-bitcoin-lit", "/nope", "/health/live", "/"])
async def test_a_host_that_is_none(app: Service, host: str, path: str) -> None:
    """A `Host` header that cannot be read is the caller's mistake and no crash."""
    status, headers, body = await raw(app, path, [(b"host", host.encode())])

    assert status == (404 if path == "/nope" else 200)
    if status == 404:
        assert json.loads(body)["instance"] == path
        assert (b"access-control-allow-origin", b"*") in headers


async def test_ids_are_different(client: httpx.AsyncClient) -> None:
    """Every request has an id of its own."""
    answers = await asyncio.gather(*(client.get("/nope") for _ in range(20)))

    assert len({answer.json()["request_id"] for answer in answers}) == 20


@pytest.mark.parametrize(
    "path", ["/is-bitcoin-lit", "/health/live", "/health/ready", "/docs", "/openapi.json", "/"]
)
async def test_every_page_may_read(client: httpx.AsyncClient, path: str) -> None:
    """Public answers carry CORS headers and a request id."""
    response = await client.get(path, headers={"Origin": "https://page.example"})

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "ETag" in response.headers["access-control-expose-headers"]
    assert response.headers["x-request-id"]


async def raw(
    app: Service, path: str, headers: list[tuple[bytes, bytes]]
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """What the app answers to a request that no client library would send."""
    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    start, *bodies = sent
    body = b"".join(message.get("body", b"") for message in bodies)  # type: ignore[misc]
    return start["status"], start["headers"], body  # type: ignore[return-value]
