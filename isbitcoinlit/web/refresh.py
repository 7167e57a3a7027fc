"""`POST /refresh`: pull the feed now."""

from fastapi import APIRouter, BackgroundTasks, Depends
from fastapi.responses import JSONResponse

from isbitcoinlit.refresh import to_dict
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.guard import require_operator
from isbitcoinlit.web.problems import responses
from isbitcoinlit.web.schemas import RefreshSchema

router = APIRouter(tags=["operators"])


@router.post(
    "/refresh",
    response_model=RefreshSchema,
    responses=responses(401, 403, 502, 503),
    dependencies=[Depends(require_operator)],
)
async def refresh(resources: ResourcesDep, background: BackgroundTasks) -> JSONResponse:
    """Pull the feed now, or join the refresh in flight, and say what it brought.

    Open to callers on the same machine while the service listens on loopback; others send
    `Authorization: Bearer` with the operator's token.
    """
    report = await resources.refresher.force()
    # The other processes hear of it after the caller has got the answer.
    background.add_task(resources.refresher.share, report)
    return JSONResponse(to_dict(report), background=background)
