"""The design of the tutorial: a JSON text in Redis, parsed and serialised again for every poll."""

import json
import sys
from datetime import datetime
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI
from redis.asyncio import Redis

from benchmarks.bare import run

KEY = "benchmark:tutorial"


def main() -> None:
    """Run `python -m benchmarks.tutorial REDIS_URL`; print the address."""
    redis = Redis.from_url(sys.argv[1], decode_responses=True)
    app = FastAPI()

    def make_key() -> str:
        return KEY

    def with_times(values: dict[str, Any]) -> dict[str, Any]:
        for key, value in values.items():
            if isinstance(value, str) and value.endswith("+00:00"):
                values[key] = datetime.fromisoformat(value)
        return values

    # The tutorial's route has no declared model either; a missing cache is not measured here.
    @app.get("/is-bitcoin-lit", response_model=None)
    async def is_bitcoin_lit(
        background: BackgroundTasks, key: Annotated[str, Depends(make_key)]
    ) -> Any:
        assert background is not None
        return json.loads(await redis.get(key) or "null", object_hook=with_times)

    run(app)


if __name__ == "__main__":
    main()
