"""What every error has in common."""

import httpx


def assert_problem(response: httpx.Response, status: int, name: str) -> None:
    """The answer is a problem of that status and name, in the one form, readable by any page."""
    body = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:isbitcoinlit:problem:{name}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == response.request.url.raw_path.decode().partition("?")[0]
    assert body["request_id"] == response.headers["x-request-id"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert "Retry-After" in response.headers["access-control-expose-headers"]
