"""What ``provision show`` shows: things of the site with what hangs on them, and runs, as plain values.

A thing is a mapping of plain values, a list of things is a list of mappings with the same keys;
``reports.listing`` makes either readable, and JSON takes them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from provisioning.site import Inventory
from provisioning.site.inventory import unknown

if TYPE_CHECKING:
    from provisioning.ledger import Allocation, RunRecord  # `validate` must not wait for the ledger and the kinds

Thing = dict[str, Any]

RUNS_SHOWN = 5
"""How many of the latest runs a single thing is shown with."""


# ----------------------------------------------------------------------------------------------------- lists


def counts(site: Inventory) -> Thing:
    """How many things of each sort the site holds."""
    return {
        "people": len(site.people),
        "profiles": len(site.profiles),
        "workplaces": len(site.workplaces),
        "workstations": len(site.workstations),
        "outlets": len(site.outlets),
        "closets": len(site.closets),
        "switches": len(site.network.switches),
        "VLANs": len(site.network.vlans),
        "packages": len(site.software),
        "licence pools": len(site.licences),
        "intranet pages": len(site.intranet.pages),
    }


def overview(site: Inventory, runs: Sequence[RunRecord]) -> Thing:
    """The site at a glance."""
    return {
        "site": str(site.folder),
        "directory": f"{site.directory.domain} on {site.directory.server.host}",
        "ledger": str(site.ledger),
        "holds": counts(site),
        "latest_runs": [_run_row(run) for run in runs[:RUNS_SHOWN]],
    }


def people(site: Inventory) -> list[Thing]:
    return [
        {
            "person": key,
            "name": f"{person.given_name} {person.family_name}",
            "profile": person.profile,
            "department": person.department,
            "workplace": person.workplace,
            "start": None if person.start is None else person.start.isoformat(),
            **({} if person.left is None else {"left": person.left.isoformat()}),
        }
        for key, person in site.people.items()
    ]


def workplaces(site: Inventory) -> list[Thing]:
    seated = _seated(site)
    return [
        {
            "workplace": key,
            "room": place.room,
            "outlet": place.outlet,
            "workstation": site.workstation_at.get(key),
            "people": seated.get(key, []),
        }
        for key, place in site.workplaces.items()
    ]


def workstations(site: Inventory) -> list[Thing]:
    return [
        {
            "workstation": key,
            "asset_tag": ws.asset_tag,
            "model": ws.model,
            "mac": ws.mac,
            "workplace": ws.workplace,
        }
        for key, ws in site.workstations.items()
    ]


def outlets(site: Inventory) -> list[Thing]:
    behind = {place.outlet: key for key, place in site.workplaces.items()}
    return [{"outlet": key, "trace": trace(site, key), "workplace": behind.get(key)} for key in site.outlets]


def equipment(site: Inventory) -> list[Thing]:
    """Devices that are nobody's PC."""
    return [
        {
            "equipment": key,
            "kind": one.kind,
            "room": one.room,
            "trace": trace(site, one.outlet),
            "vlan": one.vlan,
            "address": str(one.address) if one.address else None,
            "workplace": one.workplace,
        }
        for key, one in site.equipment.items()
    ]


def extensions(site: Inventory, allocations: Sequence[Allocation]) -> list[Thing]:
    """Who has which extension, as the ledger says."""
    ranges = site.phones.ranges if site.phones is not None else {}
    found = []
    for given in allocations:
        pool, _, name = given.pool.partition(":")
        if pool != "extension":
            continue
        person, numbers = site.people.get(given.holder), ranges.get(name)
        found.append(
            {
                "extension": given.item,
                "range": name,
                "person": given.holder,
                "name": f"{person.given_name} {person.family_name}" if person else None,
                "dialled": numbers.dialled(given.item) if numbers else None,
            }
        )
    return found


def printers(site: Inventory) -> list[Thing]:
    """Shared printers and the rooms that they serve."""
    return [{"printer": key, "share": one.share, "rooms": list(one.rooms)} for key, one in site.printers.items()]


def switches(site: Inventory) -> list[Thing]:
    patched = [outlet.switch for outlet in site.outlets.values()]
    return [
        {
            "switch": key,
            "host": switch.ssh.host,
            "closet": switch.closet,
            "patched_outlets": patched.count(key),
        }
        for key, switch in site.network.switches.items()
    ]


def profiles(site: Inventory) -> list[Thing]:
    return [
        {
            "profile": key,
            "title": p.title,
            "vlan": p.vlan,
            "software": list(p.software),
            "groups": list(p.groups),
        }
        for key, p in site.profiles.items()
    ]


def software(site: Inventory) -> list[Thing]:
    return [
        {
            "package": key,
            "display_name": package.display_name,
            "version": package.wanted,
            "approved": package.approved,
            "licence": package.licence,
        }
        for key, package in site.software.items()
    ]


def vlans(site: Inventory) -> list[Thing]:
    return [{"vlan": key, **_plain(vlan)} for key, vlan in site.network.vlans.items()]


def runs(records: Sequence[RunRecord]) -> list[Thing]:
    return [_run_row(record) for record in records]


# --------------------------------------------------------------------------------------------- single things


def person(site: Inventory, key: str, records: Sequence[RunRecord]) -> Thing:
    """One person: what the site says, the login that the ledger knows, the desk, and the latest runs."""
    one = site.person(key)
    account = _account(key, records)
    desk = {"workplace": one.workplace}
    if one.workplace:
        desk |= _desk(site, one.workplace)
    return {
        "person": key,
        **{name: value for name, value in _plain(one).items() if name != "profile"},
        "login": one.login or account,
        **desk,
        "profile": {"profile": one.profile, **_plain(site.profiles[one.profile])},
        "latest_runs": _rows(r for r in records if key in r.request.get("persons", ())),
    }


def workplace(site: Inventory, key: str, records: Sequence[RunRecord]) -> Thing:
    """One desk: what stands there, who sits there, where its outlet leads."""
    place = site.workplace(key)
    outlet = site.outlets[place.outlet]
    port = (f"switch:{outlet.switch}", outlet.switch_port)
    return {
        "workplace": key,
        **_plain(place),
        **_desk(site, key),
        "people": _seated(site).get(key, []),
        "latest_runs": _rows(r for r in records if _touches(r, lambda target, thing: (target, thing) == port)),
    }


def workstation(site: Inventory, key: str, records: Sequence[RunRecord]) -> Thing:
    """One PC."""
    ws = _find("workstation", site.workstations, key)
    desk = _desk(site, ws.workplace) if ws.workplace else {}
    return {
        "workstation": key,
        **_plain(ws),
        **{name: value for name, value in desk.items() if name != "workstation"},
        "people": _seated(site).get(ws.workplace or "", []),
        "latest_runs": _rows(r for r in records if _touches(r, lambda target, _: target == f"windows:{key}")),
    }


def outlet(site: Inventory, key: str) -> Thing:
    """One wall outlet, with the trace outlet → panel port → switch port."""
    one = _find("outlet", site.outlets, key)
    behind = [name for name, place in site.workplaces.items() if place.outlet == key]
    return {
        "outlet": key,
        "trace": trace(site, key),
        **_plain(one),
        "room_of_closet": site.closets[one.closet].room,
        "workplace": behind[0] if behind else None,
        "workstation": site.workstation_at.get(behind[0]) if behind else None,
    }


def switch(site: Inventory, key: str) -> Thing:
    """One access switch, and what is patched to its ports."""
    one = _find("switch", site.network.switches, key)
    behind = {place.outlet: name for name, place in site.workplaces.items()}
    ports = [
        {
            "port": outlet.switch_port,
            "outlet": name,
            "workplace": behind.get(name),
            "workstation": site.workstation_at.get(behind.get(name, "")),
        }
        for name, outlet in site.outlets.items()
        if outlet.switch == key
    ]
    return {
        "switch": key,
        "host": one.ssh.host,
        "address": f"{one.ssh.connect_to}:{one.ssh.port}",
        "dialect": one.dialect,
        "closet": one.closet,
        "uplinks": list(one.uplinks),
        "ports": ports,
    }


def profile(site: Inventory, key: str) -> Thing:
    """One job function."""
    one = _find("profile", site.profiles, key)
    return {
        "profile": key,
        **_plain(one),
        "people": [p for p, who in site.people.items() if who.profile == key],
    }


def package(site: Inventory, key: str) -> Thing:
    """One package of the catalogue."""
    one = _find("package", site.software, key)
    used = [name for name, p in site.profiles.items() if key in p.software]
    asked = [name for name, p in site.profiles.items() if key in p.optional_software]
    return {"package": key, **_plain(one), "given_to_profiles": used, "optional_for_profiles": asked}


def trace(site: Inventory, key: str) -> str:
    """``B2-04C → panel P1 port 12 in C-B2 → sw-b2-1 GigabitEthernet1/0/12``."""
    one = site.outlets[key]
    end = f"{one.switch} {one.switch_port}" if one.switch else "no patch cable"
    return f"{key} → panel {one.panel} port {one.panel_port} in {one.closet} → {end}"


def _find(what: str, things: Mapping[str, Any], key: str) -> Any:
    if key not in things:
        unknown(what, key, things)
    return things[key]


def _desk(site: Inventory, key: str) -> Thing:
    place = site.workplaces[key]
    return {
        "room": place.room,
        "trace": trace(site, place.outlet),
        "workstation": site.workstation_at.get(key),
    }


def _seated(site: Inventory) -> dict[str, list[str]]:
    seated: dict[str, list[str]] = {}
    for key, who in site.people.items():
        if who.workplace:
            seated.setdefault(who.workplace, []).append(key)
    return seated


def _account(key: str, records: Sequence[RunRecord]) -> str | None:
    """The login that a run gave to a person, unless it was taken back since."""
    for record in records:
        for change in record.changes:
            after = change.change.after
            if change.state == "verified" and after and getattr(after, "employee_id", None) == key:
                return None if record.state == "undone" else change.change.key
    return None


def _touches(record: RunRecord, wanted: Callable[[str, str], bool]) -> bool:
    return any(wanted(c.change.target, c.change.key) for c in record.changes if c.attempted)


def _rows(records: Any) -> list[Thing]:
    return [_run_row(record) for record in records][:RUNS_SHOWN]


def _run_row(record: RunRecord) -> Thing:
    verified = sum(change.state == "verified" for change in record.changes)
    passed = sum(proof["passed"] for proof in record.proofs)
    return {
        "run": record.id,
        "title": record.title,
        "state": record.state,
        "changes": f"{verified}/{len(record.changes)}",
        "proofs": f"{passed}/{len(record.proofs)}",
        "started": f"{record.started.partition('.')[0]}Z",
        "who": record.who,
    }


def _plain(model: BaseModel) -> Thing:
    return model.model_dump(mode="json", exclude_none=True)
