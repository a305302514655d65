"""The patch order for the technician: as text, as plain values, and as one page to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.text import Text

from provisioning import dialects
from provisioning.ledger import NewPatchOrder, PatchOrder
from provisioning.reports import words
from provisioning.reports.faceplate import ENGLISH, Said, panel_face, picture, switch_face
from provisioning.reports.words import NOTHING, moment, safe
from provisioning.site import Inventory
from provisioning.site.port_names import unit_of

_STATE = {
    "open": ("yellow", "open"),
    "closed": ("green", "closed: the cable lies"),
    "cancelled": ("dim", "cancelled"),
}


@dataclass(frozen=True)
class Sheet:
    """An order with everything that the site says about it. `order` has no number as long as nothing was begun."""

    order: PatchOrder | NewPatchOrder
    outlet_room: str | None
    room: str | None
    port: str
    unit: int | None
    expected: str | None

    @property
    def number(self) -> int | None:
        return self.order.number if isinstance(self.order, PatchOrder) else None

    @property
    def title(self) -> str:
        return f"Patch order {self.number}" if self.number is not None else "Patch order (not given out yet)"

    @property
    def cable(self) -> str:
        """``blue, 1 m``."""
        return ", ".join(filter(None, (self.order.cable.get("colour"), f"{self.order.cable['metres']:g} m")))


def sheet(inventory: Inventory, order: PatchOrder | NewPatchOrder) -> Sheet:
    """An order and what the site knows about its ends."""
    rooms = {place.outlet: place.room for place in inventory.workplaces.values()}
    rooms |= {device.outlet: device.room for device in inventory.equipment.values()}
    switch = inventory.network.switches.get(order.switch)
    port = dialects.load(switch.dialect).short_name(order.switch_port) if switch else order.switch_port
    closet = inventory.closets.get(order.closet)
    cards = {pc.mac: name for name, pc in inventory.workstations.items()}
    cards |= {device.mac: name for name, device in inventory.equipment.items()}
    return Sheet(
        order,
        rooms.get(order.outlet),
        closet.room if closet else None,
        port,
        unit_of(order.switch_port),
        cards.get(order.expected_mac) if order.expected_mac else None,
    )


def text(one: Sheet) -> Text:
    """The order for a terminal."""
    order = one.order
    lines = [Text(one.title, "bold")]
    if isinstance(order, PatchOrder):
        style, said = _STATE[order.state]
        lines[0].append(" — ").append(said, style)
    rows = [(label, value) for label, value in _rows(one) if value]
    width = max(len(label) for label, _ in rows) + 2
    lines += [Text.assemble("  ", (label.ljust(width), "dim"), safe(value)) for label, value in rows]
    if isinstance(order, PatchOrder) and order.state == "open":
        lines.append(Text(f"Once the cable lies: provision orders close {order.number}", "dim"))
    return Text("\n").join(lines)


def _rows(one: Sheet) -> list[tuple[str, str]]:
    order = one.order
    device = f": {one.expected}" if one.expected else ""
    mac = f" ({order.expected_mac})" if order.expected_mac else ""
    unit = f", unit {one.unit}" if one.unit is not None else ""
    rows = [
        ("Outlet", f"{order.outlet}{f' in room {one.outlet_room}' if one.outlet_room else ''}"),
        ("For", f"{order.purpose}{device}{mac}"),
        ("Closet", f"{order.closet}{f' in room {one.room}' if one.room else ''}"),
        ("From", f"panel {order.panel}, port {order.panel_port}"),
        ("To", f"switch {order.switch}{unit}, port {one.port}"),
        ("Cable", one.cable),
        ("Label", order.label),
    ]
    if isinstance(order, PatchOrder):
        rows.append(("Opened", f"{moment(order.opened)} by {order.who} (run {order.run_id})"))
        if order.state == "closed":
            rows.append(("Closed", f"{moment(order.closed)}: {(order.proof or {}).get('detail', NOTHING)}"))
        elif order.state == "cancelled":
            rows.append(("Cancelled", f"{moment(order.closed)}: {order.reason or NOTHING}"))
    return rows


def rows(orders: Sequence[PatchOrder], inventory: Inventory) -> list[dict[str, Any]]:
    """One line an order, for a list."""
    sheets = [(order, sheet(inventory, order)) for order in orders]
    return [
        {
            "order": order.number,
            "state": order.state,
            "outlet": order.outlet,
            "for": order.purpose,
            "from": f"{order.closet} {order.panel}/{order.panel_port}",
            "to": f"{order.switch} {one.port}",
            "cable": one.cable,
            "opened": moment(order.opened),
            "run": order.run_id,
        }
        for order, one in sheets
    ]


def plain(one: Sheet) -> dict[str, Any]:
    """The order as JSON has it."""
    order = one.order
    found = {name: getattr(order, name) for name in type(order).__dataclass_fields__ if name != "allocate"}
    beside = {"room": one.room, "outlet_room": one.outlet_room, "unit": one.unit, "expected": one.expected}
    return {**found, "cable": dict(order.cable), **beside}


def page(one: Sheet, inventory: Inventory, face: Sequence[str], busy: Sequence[str] = ()) -> str:
    """HTML 5 for A4: nothing in it is loaded from elsewhere, and every value is escaped. `face` are the ports of the
    switch's unit, `busy` those of them that were seen in use."""
    environment = Environment(
        loader=PackageLoader("provisioning.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["safe_text"] = lambda value: words.safe(value, lines=True)
    order = one.order
    return environment.get_template("patch_order.html.j2").render(
        sheet=one,
        order=order,
        rows=[(label, value) for label, value in _rows(one) if value and label not in {"From", "To", "Label", "Cable"}],
        state=order.state if isinstance(order, PatchOrder) else "not given out yet",
        picture=drawing(one, inventory, face, busy),
    )


def drawing(one: Sheet, inventory: Inventory, face: Sequence[str], busy: Sequence[str], said: Said = ENGLISH) -> Markup:
    """Panel and switch with the cable between them; `said` are the picture's words."""
    order = one.order
    mine = {name: outlet for name, outlet in inventory.outlets.items() if name != order.outlet}
    panel_taken = [
        o.panel_port for o in mine.values() if (o.closet, o.panel) == (order.closet, order.panel) and o.switch
    ]
    switch_taken = [o.switch_port for o in mine.values() if o.switch == order.switch and o.switch_port]
    switch = inventory.network.switches.get(order.switch)
    uplinks = switch.uplinks if switch else ()
    closet = inventory.closets.get(order.closet)
    ports = closet.panels.get(order.panel, order.panel_port) if closet else order.panel_port
    title = said.unit.format(order.switch, one.unit) if one.unit is not None else order.switch
    return picture(
        panel_face(said.panel.format(order.panel), ports, order.panel_port, panel_taken, said),
        switch_face(title, face, order.switch_port, [*switch_taken, *uplinks, *busy]),
        order.cable.get("colour"),
        said,
    )
