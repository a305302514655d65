"""Desks, outlets, PCs and the whole site: from a task to a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from provisioning.ansible_door.definition import Result, Task
from provisioning.ansible_door.fulfilling import Asked, fulfil, newest, start_of, unfinished
from provisioning.ansible_door.naming import person, texts
from provisioning.api import Plan, Site
from provisioning.api.joining import distrusted
from provisioning.api.moving import transfer_request
from provisioning.api.patching import patch_request
from provisioning.api.relocating import move_request, wishes
from provisioning.api.replacing import OldTo, replace_request
from provisioning.errors import RequestError
from provisioning.ledger import NewPatchOrder, PatchOrder
from provisioning.procedures.equipment import connecting
from provisioning.procedures.join import join
from provisioning.procedures.move_wishes import Wish
from provisioning.procedures.publish import Publish
from provisioning.procedures.whole_site import whole_site
from provisioning.reports import patch_order
from provisioning.site import Inventory

# -- move


def move_task(task: Task) -> Result:
    """``workplace.provisioning.move``."""
    site, given, told = task.site, task.given, list[Result]()

    def look() -> Asked:
        inventory = site.wired
        wanted = [(_who(site, str(one["who"])), one) for one in _ways(given)]
        told.extend({"who": who, "from": _desk_of(inventory, who), "to": one["to"]} for who, one in wanted)
        asked = {(who, str(one["to"])) for who, one in wanted}
        begun = unfinished(site, "move", lambda plain: bool({who for who, _ in asked} & {w for w, _ in _legs(plain)}))
        if begun is not None and asked <= _legs(begun.record.request):
            return Asked(begun=begun)
        left = [(who, one) for who, one in wanted if _desk_of(inventory, who) != one["to"]]
        if not left:
            return Asked(already="; ".join(f"{who} is at {one['to']} already" for who, one in wanted))
        found = [wish for who, one in left for wish in _wishes(inventory, who, one)]
        request, missing = move_request(site, found, spare=0 if given.get("use_spare") else None)
        return Asked(request, notes=missing, start=start_of(task))

    return fulfil(task, look) | {"moves": told}


def _ways(given: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Who goes where. Raises :class:`RequestError`."""
    one = {name: given[name] for name in ("who", "to", "swap", "with_pc") if given.get(name) is not None}
    several = given.get("moves")
    if several and ("who" in one or "to" in one):
        raise RequestError("move: `moves` says it all; leave `who` and `to` out")
    if several:
        return cast("Sequence[Mapping[str, Any]]", several)
    if "who" not in one or "to" not in one:
        raise RequestError("move: say `who` goes `to` which workplace, or list them in `moves`")
    return [one]


def _who(site: Site, name: str) -> str:
    """The key of a person or a PC."""
    if name in site.wired.workstations:
        return name
    key = person(site, name)
    site.wired.person(key)
    return key


def _desk_of(inventory: Inventory, who: str) -> str | None:
    return (inventory.people[who] if who in inventory.people else inventory.workstations[who]).workplace


def _wishes(inventory: Inventory, who: str, one: Mapping[str, Any]) -> list[Wish]:
    inventory.workplace(str(one["to"]))
    return wishes(inventory, who, str(one["to"]), swap=bool(one.get("swap")), with_pc=one.get("with_pc"))


def _legs(plain: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(leg["person"] or leg["workstation"], leg["to"]) for leg in plain["legs"]}


# -- replace


def replace_task(task: Task) -> Result:
    """``workplace.provisioning.replace``."""
    site, given = task.site, task.given

    def look() -> Asked:
        old, new = _asset(site, str(given["old"])), _asset(site, str(given["new"]))
        done = newest(site, "replace", lambda plain: (plain["old"], plain["new"]) == (old, new))
        if done is not None and site.wired.workstations[old].workplace is None:
            if done.state == "done":
                return Asked(already=f"{old} was replaced by {new} already, by run {done.id}")
            return Asked(begun=done)
        request = replace_request(
            site, old, new, str(given["reason"]), keep_name=bool(given.get("keep_name")),
            old_to=cast("OldTo", given["old_to"]), data=bool(given["data"]),
        )  # fmt: skip
        return Asked(request, start=start_of(task))

    return fulfil(task, look)


def _asset(site: Site, name: str) -> str:
    """The key of a PC by its asset tag; what is none is given back, and the request says so."""
    known = site.wired.workstations
    if name in known:
        return name
    return next((key for key, one in known.items() if one.asset_tag.casefold() == name.casefold()), name)


# -- outlets, equipment, data


def patch_task(task: Task) -> Result:
    """``workplace.provisioning.patch``."""
    site, given, plans = task.site, task.given, list[Plan]()
    outlet = str(given["outlet"])

    def look() -> Asked:
        request, missing = patch_request(site, outlet, str(given["to"]), spare=0 if given.get("use_spare") else None)

        def plan() -> Plan:
            plans.append(site.plan(request))
            return plans[0]

        return Asked(request, plan=plan, notes=missing)

    done = fulfil(task, look)
    return done | _order(site, outlet, plans)


def _order(site: Site, outlet: str, plans: Sequence[Plan]) -> Result:
    """The patch order: as it stands, or as it would be."""
    known = site.ledger.patch_orders(1, states=("open", "closed"), outlet=outlet) if site.has_ledger else []
    found: list[PatchOrder | NewPatchOrder] = [*known, *(order for plan in plans for order in plan.orders)]
    return {"order": patch_order.plain(patch_order.sheet(site.wired, found[0])) if found else None}


def connect_task(task: Task) -> Result:
    """``workplace.provisioning.connect``."""
    return fulfil(task, lambda: Asked(connecting(task.site.wired, texts(task.given, "equipment"))))


def transfer_data_task(task: Task) -> Result:
    """``workplace.provisioning.transfer_data``."""
    source, target, profile = (str(task.given[name]) for name in ("source", "target", "profile"))
    return fulfil(task, lambda: Asked(transfer_request(task.site, source, target, profile)))


# -- join, publish, the whole site, undo


def join_task(task: Task) -> Result:
    """``workplace.provisioning.join``: where all are members already, also whether the domain trusts them."""
    site, again, plans = task.site, bool(task.given.get("again")), list[Plan]()
    names = tuple(dict.fromkeys(texts(task.given, "workstations")))

    def look() -> Asked:
        begun = unfinished(site, "join", lambda plain: plain["workstations"] == list(names)) if again else None
        begun = begun if begun is not None and begun.record.request.get("again") else None
        request = join(*names, again=again)

        def plan() -> Plan:
            plans.append(site.plan(request))
            return plans[0]

        return Asked(begun=begun) if begun is not None else Asked(request, plan=plan)

    done = fulfil(task, look)
    if plans and not plans[0].changes and not done.get("failed") and (failed := distrusted(site, plans[0].proofs)):
        return done | {"failed": True, "msg": "; ".join(failed)}
    return done


def publish_task(task: Task) -> Result:
    """``workplace.provisioning.publish``."""
    return fulfil(task, lambda: Asked(Publish()))


def site_state_task(task: Task) -> Result:
    """``workplace.provisioning.site_state``."""
    return fulfil(task, lambda: Asked(whole_site(task.site.wired)))


def undo_task(task: Task) -> Result:
    """``workplace.provisioning.undo``."""
    number = int(task.given["run"])

    def look() -> Asked:
        if number < 1:
            raise RequestError(f"there is no run {number}; `provision show runs` lists them")
        run = task.site.run(number)
        if run.state == "undone":
            return Asked(already=f"run {number} ({run.record.title}) was taken back already")
        begun = run.open_undo
        return Asked(begun=begun) if begun is not None else Asked(plan=run.undo_plan)

    return fulfil(task, look)
