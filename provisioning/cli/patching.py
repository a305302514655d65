"""What the verbs of patch orders share: the printed page, and waiting for the technician."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from provisioning.api import Site, patching
from provisioning.cli.files import write
from provisioning.ledger import NewPatchOrder, PatchOrder
from provisioning.procedures.patch import Patch
from provisioning.procedures.patch_proof import Verdict
from provisioning.reports import patch_order
from provisioning.reports.words import safe

F = TypeVar("F", bound=Callable[..., Any])

_USUAL, _LONGEST = 600, 24 * 3600
"""Seconds."""


def wait_option(function: F) -> F:
    """``--wait [SECONDS]``."""
    return click.option(
        "--wait",
        metavar="[SECONDS]",
        is_flag=False,
        flag_value=str(_USUAL),
        type=click.FloatRange(1, _LONGEST),
        help=f"Wait for the link and the expected MAC address, {_USUAL} s or as long as is said; Ctrl-C ends it.",
    )(function)


def write_page(site: Site, order: PatchOrder | NewPatchOrder, file: Path, ports: Patch | None = None) -> None:
    """The order as a page to print; `ports` are what the picture shows, where the order has no run to tell it.

    Raises :class:`RequestError`.
    """
    inventory = site.wired
    seen = patching.switch_ports(site, order) if isinstance(order, PatchOrder) else ports
    face, busy = (seen.face, seen.busy) if seen is not None else ((), ())
    write(file, patch_order.page(patch_order.sheet(inventory, order), inventory, face, busy), "--page")


def wait_for(site: Site, order: PatchOrder, seconds: float, screen: Console) -> Verdict | None:
    """Follow the order's port until the cable lies; the last thing that was seen (``None``: interrupted at once)."""
    verdict: Verdict | None = None
    if seconds:
        screen.print(f"Waiting up to {seconds:g} s for the cable of patch order {order.number}; Ctrl-C ends it.")
    try:
        for verdict in patching.watch(site, order, seconds=seconds):
            screen.print(("✓ " if verdict.good else "… ") + safe(verdict.sentence, lines=True))
    except KeyboardInterrupt:
        screen.print("Interrupted.")
    if verdict is None or not verdict.good:
        screen.print(
            f"Patch order {order.number} stays open. When the cable lies: provision orders close {order.number} --wait"
        )
    return verdict
