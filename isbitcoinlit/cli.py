"""The command line."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from isbitcoinlit import __version__, log, server
from isbitcoinlit.doctor import Finding, examine
from isbitcoinlit.errors import IsBitcoinLitError
from isbitcoinlit.resources import open_resources
from isbitcoinlit.settings import Settings, load_settings, unknown_variables, variable
from isbitcoinlit.snapshot.document import to_dict

app = typer.Typer(
    help="The price of Bitcoin and the mood about it, as a self-hosted time-series API.",
    epilog="Every option can be set by the environment variable named beside it, or in .env.",
    no_args_is_help=True,
    add_completion=False,
)
