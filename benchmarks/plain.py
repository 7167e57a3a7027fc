"""The least that FastAPI can do: a route whose answer is ready, for whoever asks."""

import json
import sys
from pathlib import Path

from fastapi import FastAPI, Response

from benchmarks.bare import run


def main() -> None:
    """Run `python -m benchmarks.plain FILE`, a file that `polls.record` wrote."""
    answer = json.loads(Path(sys.argv[1]).read_text())
    body = answer["body"].encode()
    computed = ("content-length", "content-type")
    headers = {name: value for name, value in answer["headers"] if name not in computed}
    app = FastAPI()

    @app.get("/api/v1/series", response_model=None)
    async def series() -> Response:
        return Response(body, headers=headers, media_type="application/json")

    run(app)


if __name__ == "__main__":
    main()
