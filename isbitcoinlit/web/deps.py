"""What routes ask for in their signatures."""

# Coroutines, though nothing here waits: plain functions would each be sent to a thread.

from typing import Annotated

from fastapi import Depends, Request

from isbitcoinlit.resources import Resources
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.snapshot_response import SnapshotResponder


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _responder(request: Request) -> SnapshotResponder:
    responder: SnapshotResponder = request.app.state.responder
    return responder


ResourcesDep = Annotated[Resources, Depends(_resources)]
SettingsDep = Annotated[Settings, Depends(_settings)]
ResponderDep = Annotated[SnapshotResponder, Depends(_responder)]
