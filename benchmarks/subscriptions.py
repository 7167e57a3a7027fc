"""The usual way to push: every stream subscribes to Redis through a connection of its own."""

import sys
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from redis.asyncio import Redis

from benchmarks.bare import run

CHANNEL = "benchmark:snapshots"


def main() -> None:
    """Run `python -m benchmarks.subscriptions REDIS_URL`; print the address."""
    redis = Redis.from_url(sys.argv[1], decode_responses=True, max_connections=10_000)
    app = FastAPI()

    async def events() -> AsyncIterator[str]:
        async with redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                if message["type"] == "message":
                    yield f"event: snapshot\ndata: {message['data']}\n\n"
                else:
                    yield "event: open\ndata:\n\n"

    @app.get("/api/v1/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    run(app)


if __name__ == "__main__":
    main()
