"""Which free port an outlet gets: pure, from what the switches of its closet say and what is given out already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioning import dialects
from provisioning.errors import RequestError
from provisioning.resources.switch.occupancy import Occupancy
from provisioning.site import Inventory
from provisioning.site.port_names import natural, unit_of

_SHOWN = 12

Port = tuple[str, str]
"""Switch and interface."""


@dataclass(frozen=True)
class Choice:
    """A port; for the picture, the ports of the same unit, and those of them that are in use."""

    switch: str
    port: str
    face: tuple[str, ...]
    busy: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stock:
    """One switch: all its ports in order, who is on those in use, and which are free."""

    name: str
    ports: tuple[str, ...]
    used: Mapping[str, str]
    free: tuple[str, ...]


def switches_for(inventory: Inventory, outlet_id: str) -> tuple[str, ...]:
    """The switches that an outlet's panel may be patched to: those that the closet says, otherwise all of the closet.

    Raises :class:`RequestError` when there is none.
    """
    outlet = inventory.outlets[outlet_id]
    here = tuple(name for name, switch in inventory.network.switches.items() if switch.closet == outlet.closet)
    found = inventory.closets[outlet.closet].beside.get(outlet.panel, here)
    if not found:
        raise RequestError(
            f"closet {outlet.closet} of outlet {outlet_id} has no switch; say in network: switches which one is there"
        )
    return found


def given_out(inventory: Inventory) -> dict[Port, str]:
    """Switch port → who has it by the site (and by what the ledger laid over it), interface names folded."""
    behind = {place.outlet: name for name, place in inventory.workplaces.items()}
    behind |= {device.outlet: name for name, device in inventory.equipment.items()}
    return {
        (outlet.switch, outlet.switch_port.casefold()): f"outlet {name}"
        + (f" ({behind[name]})" if name in behind else "")
        for name, outlet in inventory.outlets.items()
        if outlet.switch and outlet.switch_port
    }


def choose(
    inventory: Inventory,
    outlet_id: str,
    found: Mapping[str, Occupancy],
    held: Mapping[Port, str],
    *,
    spare: int | None = None,
) -> Choice:
    """A free port for `outlet_id` on one of the switches `found`, spread as the site wants it.

    `held` are the ports that the ledger gave out (to which outlet); `spare` goes before the site's own. Raises
    :class:`RequestError` that says who has what when none is free.
    """
    rules = inventory.network.patching
    keep = rules.spare if spare is None else spare
    taken = {(switch, port.casefold()): f"outlet {outlet} (ledger)" for (switch, port), outlet in held.items()}
    taken |= given_out(inventory)
    stocks = [_stock(occupancy, taken) for occupancy in found.values()]
    fitting = [stock for stock in stocks if len(stock.free) > keep]
    if not fitting:
        raise RequestError(_exhausted(inventory, outlet_id, stocks, keep))
    if rules.spread == "fill":
        stock, port = fitting[0], fitting[0].free[0]
    else:
        # Most free ports first; of a stack, the unit with most. Ties go to whoever comes first.
        stock = max(fitting, key=lambda one: len(one.free))
        units = [unit_of(port) for port in stock.free]
        unit = max(dict.fromkeys(units), key=units.count)
        port = next(port for port in stock.free if unit_of(port) == unit)
    return chosen(found[stock.name], port)


def chosen(occupancy: Occupancy, port: str) -> Choice:
    """A port of a switch whose ports are known."""
    face = face_of(occupancy.ports, port)
    busy = tuple(one for one in face if occupancy.ports[one] is not None and one != port)
    return Choice(occupancy.switch, port, face, busy)


def face_of(ports: Iterable[str], port: str) -> tuple[str, ...]:
    """The ports of the unit that `port` is on, in order."""
    return tuple(sorted((one for one in ports if unit_of(one) == unit_of(port)), key=natural))


def _stock(occupancy: Occupancy, taken: Mapping[Port, str]) -> _Stock:
    ports = tuple(sorted(occupancy.ports, key=_order))
    used = {
        port: who
        for port in ports
        if (who := taken.get((occupancy.switch, port.casefold())) or occupancy.ports[port]) is not None
    }
    return _Stock(occupancy.switch, ports, used, tuple(port for port in ports if port not in used))


def _order(port: str) -> tuple[int, str, tuple[int, ...]]:
    """By unit, then by sort (the access ports, of which there are most, usually sort before the modules)."""
    return (unit_of(port) or 0, *natural(port))


def _exhausted(inventory: Inventory, outlet_id: str, stocks: Iterable[_Stock], keep: int) -> str:
    closet = inventory.outlets[outlet_id].closet
    told = "; ".join(_told(inventory, stock, keep) for stock in stocks)
    return (
        f"closet {closet} has no free port for outlet {outlet_id}. {told}. "
        "Free a port (`provision undo` of its run), lower network: patching: spare, or add a switch"
    )


def _told(inventory: Inventory, stock: _Stock, keep: int) -> str:
    short = dialects.load(inventory.network.switches[stock.name].dialect).short_name
    kept = f" and kept as spare (spare: {keep})" if stock.free else ""
    holders = [f"{short(port)} {who}" for port, who in stock.used.items()]
    more = f" and {len(holders) - _SHOWN} more" if len(holders) > _SHOWN else ""
    return (
        f"{stock.name}: {len(stock.ports)} ports, {len(stock.used)} in use, {len(stock.free)} free{kept}; in use: "
        f"{', '.join(holders[:_SHOWN])}{more}"
    )
