"""Requests on their way into the engine: asked for, approved, due, carried out, one by one or a file at once."""

from provisioning.intake.bulk import Bulk, RowResult
from provisioning.intake.clearance import clearance, permit_more
from provisioning.intake.requests import OPEN, Fulfilment

__all__ = ["OPEN", "Bulk", "Fulfilment", "RowResult", "clearance", "permit_more"]
