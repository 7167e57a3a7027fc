"""The API against its own description, with whatever a machine can think of sending."""

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import status_code_conformance

from tests.end_to_end.service import Service, service

TOKEN = "the token for scripts"


@pytest.fixture(scope="module")
def running(redis_url: str) -> Iterator[Service]:
    """The service, with limits that are never reached."""
    many = {f"limit_{group}": "1000000/second" for group in ("other", "operator", "login")}
    settings = {"redis_url": redis_url, "key_prefix": "schema", "operator_token": TOKEN, **many}
    with service(feed="demo", **settings) as started:
        yield started


@pytest.fixture(scope="module")
def api(running: Service) -> schemathesis.BaseSchema:
    """What the service says about itself."""
    found = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    return found.exclude(path="/api/v1/stream")  # An answer that never ends is tested on its own.


def test_the_description_is_true(api: schemathesis.BaseSchema) -> None:
    """Nothing sent is answered by a server error, or by a status that is not documented."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    checks = [not_a_server_error, status_code_conformance]
    operations = [found.ok() for found in api.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 12
    for operation in operations:

        @hypothesis.settings(max_examples=25, deadline=None, database=None)
        @hypothesis.given(case=operation.as_strategy())
        def nothing_surprises(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=headers, checks=checks)

        nothing_surprises()
