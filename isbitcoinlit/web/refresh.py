"""`POST /refresh`: pull the feed now."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import JSONResponse

from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.refresh_report import to_dict
from isbitcoinlit.web.deps import ResourcesDep
from isbitcoinlit.web.guard import require_operator
from isbitcoinlit.web.problems import responses
from isbitcoinlit.web.schemas import RefreshSchema

router = APIRouter(tags=["operators"])


@router.post(
    "/refresh",
    response_model=RefreshSchema,
    responses=responses(401, 403, 502, 503),
)
async def refresh(
    request: Request,
    resources: ResourcesDep,
    background: BackgroundTasks,
    caller: Annotated[str, Depends(require_operator)],
) -> JSONResponse:
    """Pull the feed now, or join the refresh in flight, and say what it brought.

    For operators. Until the first one is added it is open to callers on the same machine, while
    the service listens on loopback.
    """
    audit, address = resources.operators.audit, request.state.client
    try:
        report = await resources.refresher.force()
    except IsBitcoinLitError as error:
        await audit.note(caller, "refresh", address, type(error).__name__)
        raise
    background.add_task(audit.note, caller, "refresh", address)
    # The other processes hear of it after the caller has got the answer.
    background.add_task(resources.refresher.share, report)
    return JSONResponse(to_dict(report), background=background)
