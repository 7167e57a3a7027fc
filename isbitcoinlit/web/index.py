"""`GET /`: a plain page that says where things are."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Is Bitcoin lit?</title>
<style>
  :root { color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif }
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
</style>
<h1>Is Bitcoin lit?</h1>
<p>The price of Bitcoin and the mood about it, over the last three hours.</p>
<ul>
  <li><a href="is-bitcoin-lit">/is-bitcoin-lit</a>: the answer, as JSON
  <li><a href="docs">/docs</a>: everything this service answers, to try out
  <li><a href="openapi.json">/openapi.json</a>: the same for programs
  <li><a href="health/ready">/health/ready</a>: how the service is doing
</ul>
</html>
"""


@router.head("/")
@router.get("/")
async def index() -> HTMLResponse:
    """Show the page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return HTMLResponse(_PAGE, headers={"content-security-policy": policy})
