"""What the ledger and the site have of a run beside its report: for the page of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from provisioning.api import patching
from provisioning.ledger import NewPatchOrder, RunRecord
from provisioning.reports import patch_order
from provisioning.reports.run_page import said
from provisioning.reports.run_report import Course
from provisioning.reports.texts import Texts
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.api.site import Site

_DRAWN = 12
"""Ports that are drawn at most: the page of a whole site shall not be a book of closets."""


def course(site: Site, record: RunRecord, t: Texts) -> Course:
    """The events of a run, its request, what was written down with it, and its patch orders and ports with their
    pictures in the language of `t`."""
    ledger, inventory, words = site.ledger, site.wired, said(t)
    drawn = []
    for order in reversed(ledger.patch_orders(run_id=record.id)):
        sheet, ports = patch_order.sheet(inventory, order), patching.switch_ports(site, order)
        drawn.append((sheet, patch_order.drawing(sheet, inventory, ports.face, ports.busy, words)))
    lines = []
    for line in islice(_lines(inventory, record, {sheet.order.outlet for sheet, _ in drawn}), _DRAWN):
        sheet, face = patch_order.sheet(inventory, line), patching.known_ports(inventory, line.switch, line.switch_port)
        lines.append((sheet, patch_order.drawing(sheet, inventory, face.face, face.busy, words)))
    request = ledger.request(record.request_id) if record.request_id is not None else None
    return Course(
        record,
        ledger.events(record.id),
        request,
        tuple(drawn),
        tuple(lines),
        ledger.amendments(withdrawn=True, run_id=record.id),
        ledger.custody(run_id=record.id),
    )


def _lines(inventory: Inventory, record: RunRecord, but: Collection[str]) -> Iterator[NewPatchOrder]:
    """From outlet to switch, for each port that the run was to change and that is patched as the site knows; `but` are
    outlets that have an order. In the words of an order that nobody has to carry out."""
    behind = {
        (f"switch:{outlet.switch}", outlet.switch_port.casefold()): name
        for name, outlet in inventory.outlets.items()
        if outlet.switch and outlet.switch_port
    }
    for address in dict.fromkeys(one.change.address for one in record.changes):
        name = behind.get((address.target, address.key.casefold()))
        if name is None or name in but:
            continue
        outlet = inventory.outlets[name]
        yield NewPatchOrder(
            outlet=name, closet=outlet.closet, panel=outlet.panel, panel_port=outlet.panel_port,
            switch=outlet.switch or "", switch_port=outlet.switch_port or "", purpose="", vlan=None, expected_mac=None,
            cable={}, label="", allocate=False,
        )  # fmt: skip
