"""Exit codes, the same for every verb, and the one way out that waits for nobody."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

DONE = 0
ERROR = 1
CHANGES_PENDING = 2
PARTIAL = 3
LEFT_AT_ONCE = 130
"""The second Ctrl-C: 128 + SIGINT, as shells have it."""


def leave_at_once(advice: str) -> NoReturn:
    """End the process now: a worker thread may hang on a dead system, and nobody waits for it."""
    with suppress(OSError):
        click.echo(f"\n{advice}", err=True)
        sys.stdout.flush()
    os._exit(LEFT_AT_ONCE)
