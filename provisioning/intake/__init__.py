"""Requests on their way into the engine: asked for, approved, due, carried out, one by one or a file at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioning.intake.bulk import Bulk
from provisioning.intake.clearance import clearance, permit_more
from provisioning.intake.requests import OPEN, Fulfilment

if TYPE_CHECKING:
    from provisioning.intake.row_results import RowResult

__all__ = ["OPEN", "Bulk", "Fulfilment", "RowResult", "clearance", "permit_more"]


def __getattr__(name: str) -> Any:
    if name != "RowResult":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from provisioning.intake.row_results import RowResult  # noqa: PLC0415  (for those who carry out a file)

    return RowResult
