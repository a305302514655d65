"""Patching an outlet: looking for a free port, and looking whether the cable lies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from provisioning.engine.events import Listener
from provisioning.errors import LedgerError, RequestError, TargetError
from provisioning.ledger import PatchOrder
from provisioning.ledger.books import PatchOrderState
from provisioning.procedures.patch import Patch, purpose_of
from provisioning.procedures.patch_proof import Look, Verdict, judge
from provisioning.procedures.port_choice import Choice, choose, chosen, face_of, switches_for
from provisioning.resources.base import Sessions
from provisioning.resources.switch.occupancy import Occupancy, occupancy, seen
from provisioning.resources.switch.tables import TRUNK
from provisioning.site import Inventory

if TYPE_CHECKING:
    from provisioning.api.site import Site
    from provisioning.connections.switch import SwitchSession

EVERY = 1.0
"""Seconds between two looks at the switch while the technician works."""

_OTHERS = 5
"""So many looks at the switch come to one at the others of its closet."""

_OPEN: tuple[PatchOrderState, ...] = ("open",)

T = TypeVar("T")


def patch_request(
    site: Site, outlet_id: str, to: str, listener: Listener | None = None, *, spare: int | None = None
) -> tuple[Patch, tuple[str, ...]]:
    """A request to patch an outlet to a free port of its closet (or to the one that it has), with what there is at the
    moment, and sentences about switches that could not be asked. Changes nothing.

    `spare` goes before the site's own. Raises :class:`~provisioning.errors.RequestError` for unknown names and when no
    port is free, :class:`~provisioning.errors.TargetError` when no switch of the closet answers.
    """
    inventory = site.wired
    trunk = purpose_of(inventory, outlet_id, to).state.mode == TRUNK
    outlet = inventory.outlets[outlet_id]
    named = site.inventory.outlets[outlet_id].switch is not None
    names = (outlet.switch,) if outlet.switch else switches_for(inventory, outlet_id)
    patching, vlans = inventory.network.patching, inventory.network.vlans
    free_vlan = vlans[patching.quarantine_vlan].id if patching.quarantine_vlan else None

    def look(session: SwitchSession) -> Occupancy:
        return occupancy(session, free_vlan=free_vlan, free_description=patching.unused_description)

    with site.reading(listener, f"a free port for {outlet_id}") as sessions:
        found, unread = ask(names, sessions, look)
    if not found:
        raise next(iter(unread.values()))
    missing = tuple(f"{error.target} was not asked for a free port: {error.message}" for error in unread.values())
    if outlet.switch and outlet.switch_port:
        _refuse_onward(found[outlet.switch], outlet.switch_port, to, trunk=trunk)
        choice = chosen(found[outlet.switch], outlet.switch_port)
    else:
        held = site.ledger.port_holders() if site.has_ledger else {}
        choice = choose(inventory, outlet_id, found, held, spare=spare)
    return Patch(outlet_id, to, choice.switch, choice.port, named, choice.face, choice.busy), missing


def _refuse_onward(there: Occupancy, port: str, to: str, *, trunk: bool) -> None:
    """No desk and no device is put on a port that leads on; a trunk takes what is to be a trunk."""
    why = there.ports.get(port)
    if port in there.onward and not (trunk and why == TRUNK):
        told = {"uplink": "it is an uplink", TRUNK: "it is a trunk"}.get(str(why), why)
        raise RequestError(
            f"{port} of {there.switch} is no port for {to}: {told}; look whether the outlet's switch_port is right"
        )


def orders(site: Site, *, everything: bool = False) -> list[PatchOrder]:
    """The open patch orders, newest first; with `everything` also those that were closed or cancelled."""
    if not site.has_ledger:
        return []
    return site.ledger.patch_orders(states=() if everything else _OPEN)


def order(site: Site, number: int) -> PatchOrder:
    """A patch order. Raises :class:`~provisioning.errors.LedgerError` when there is none of that number."""
    if not site.has_ledger:
        raise LedgerError(f"there is no patch order {number}: this site has no ledger yet, its first run makes it")
    return site.ledger.patch_order(number)


def switch_ports(site: Site, one: PatchOrder) -> Choice:
    """The ports of the switch's unit, for the picture: as the run saw them, otherwise those that the site knows."""
    request = site.ledger.run(one.run_id).request
    if request.get("procedure") == "patch" and request.get("face"):
        seen_then = Patch.from_plain(request)
        return Choice(one.switch, one.switch_port, seen_then.face, seen_then.busy)
    return known_ports(site.wired, one.switch, one.switch_port)


def known_ports(inventory: Inventory, name: str, port: str) -> Choice:
    """The ports of a switch's unit that the site knows."""
    switch = inventory.network.switches.get(name)
    known = [o.switch_port for o in inventory.outlets.values() if o.switch == name and o.switch_port]
    return Choice(name, port, face_of({*known, *(switch.uplinks if switch else ()), port}, port))


def watch(site: Site, one: PatchOrder, *, seconds: float, stop: threading.Event | None = None) -> Iterator[Verdict]:
    """Look at an open order's port until the cable lies or `seconds` have passed (at least once); each time that what
    is seen changes, say so. The order is closed with the proof before the last verdict.

    The switch is only read, in a session of its own: others may work on it meanwhile.
    Raises :class:`~provisioning.errors.RequestError` for an order that is not open, and
    :class:`~provisioning.errors.TargetError` when the switch does not answer.
    """
    if one.state != "open":
        raise RequestError(f"patch order {one.number} is {one.state}{_why(one)}; there is nothing to wait for")
    inventory, deadline = site.wired, time.monotonic() + seconds
    closet = inventory.outlets[one.outlet].closet if one.outlet in inventory.outlets else one.closet
    others = [n for n, s in inventory.network.switches.items() if s.closet == closet and n != one.switch]
    look, last, rounds = Look({}), None, 0
    with site.connect() as pool:
        while True:
            found, unread = ask((one.switch, *(others if rounds % _OTHERS == 0 else ())), pool, seen)
            if one.switch in unread:
                raise unread[one.switch]
            others = [name for name in others if name not in unread]  # a dead one would be waited for again and again
            look = replace(look, switches={**look.switches, **found})
            verdict = judge(inventory, one, look)
            look, rounds = replace(look, before=look.before or look.switches), rounds + 1
            if verdict.good:
                site.ledger.close_patch_order(one.number, verdict.proof)
            if verdict != last:
                yield verdict
            last = verdict
            if verdict.good or time.monotonic() >= deadline:
                return
            if (stop or threading.Event()).wait(min(EVERY, max(0.0, deadline - time.monotonic()))):
                return


def _why(one: PatchOrder) -> str:
    said = one.reason or (one.proof or {}).get("detail")
    return f" ({said})" if said else ""


def ask(
    names: tuple[str, ...], sessions: Sessions, question: Callable[[SwitchSession], T]
) -> tuple[Mapping[str, T], Mapping[str, TargetError]]:
    """Ask switches in parallel: the answers, and which do not answer."""

    def one(name: str) -> T | TargetError:
        try:
            with sessions.session(f"switch:{name}") as session:
                return question(session)
        except TargetError as exc:
            return exc

    workers = ThreadPoolExecutor(min(len(names), 16), "closet")
    try:
        answers = dict(zip(names, workers.map(one, names), strict=True))
    finally:
        workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead switch may take its whole timeout
    found = {name: answer for name, answer in answers.items() if not isinstance(answer, TargetError)}
    return found, {name: answer for name, answer in answers.items() if isinstance(answer, TargetError)}
