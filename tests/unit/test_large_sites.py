"""What keeps large sites cheap: things are made once, and nothing is gone through for each of many."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from provisioning.engine import planner
from provisioning.engine.planner import Reading
from provisioning.errors import RequestError
from provisioning.procedures import identity
from provisioning.procedures.base import Accounts, Numbering
from provisioning.procedures.extensions import choose, must_choose
from provisioning.procedures.identity import possible_addresses
from provisioning.procedures.onboard import onboard
from provisioning.procedures.packages import restart_after
from provisioning.resources.base import Address, Change, Proof, Resource, State
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.restart import Restart
from provisioning.site import Inventory
from provisioning.site.collection import no_collection, set_aside
from provisioning.site.load import load
from provisioning.site.naming import mail_addresses
from provisioning.site.phones import ExtensionRange
from tests.conftest import EXAMPLE

MANY = 40


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def full(example: Inventory, many: int) -> Inventory:
    """The example with `many` copies of one salesman, each with a desk and a PC of their own."""
    person, desk = example.people["E1042"], example.workplaces["B-204-3"]
    pc, outlet = example.workstations["WS-0042"], example.outlets[desk.outlet]
    numbers = [f"{number:03}" for number in range(many)]
    clear: dict[str, Any] = {"login": None, "manager": None, "phone": None, "start": None}
    return example.model_copy(
        update={
            "people": {
                f"E{n}": person.model_copy(update={**clear, "family_name": f"Petrova{n}", "workplace": f"D-{n}"})
                for n in numbers
            },
            "workplaces": {f"D-{n}": desk.model_copy(update={"outlet": f"O-{n}"}) for n in numbers},
            "outlets": {
                f"O-{n}": outlet.model_copy(update={"switch_port": f"GigabitEthernet1/0/{n}"}) for n in numbers
            },
            "workstations": {f"WS-{n}": pc.model_copy(update={"workplace": f"D-{n}"}) for n in numbers},
            "equipment": {},
        }
    )


def test_what_is_the_same_for_many_is_made_once(example: Inventory) -> None:
    site = full(example, 3)
    work = onboard(*site.people).compile(site, Accounts())
    of_pcs = [r for r in work.resources if r.kind in {"windows.registry", "windows.package", "directory.membership"}]
    assert len({r.target for r in of_pcs}) == 4
    for resource in of_pcs:
        twins = [r for r in of_pcs if (r.kind, r.target) != (resource.kind, resource.target) and r.key == resource.key]
        assert all(twin.desired is resource.desired for twin in twins)
    memberships = [r.desired for r in of_pcs if r.kind == "directory.membership"]
    assert memberships[0] is memberships[1]


def test_another_site_works_it_out_again(example: Inventory) -> None:
    site = full(example, 1)
    onboard("E000").compile(site, Accounts())
    browser = site.browser.model_copy(update={"proxy_pac": "https://elsewhere.example/proxy.pac"})
    catalogue = {name: one.model_copy(update={"display_name": f"{name} two"}) for name, one in site.software.items()}
    changed = site.model_copy(update={"browser": browser, "software": catalogue})
    said = onboard("E000").compile(changed, Accounts())
    policies = [str(r.desired) for r in said.resources if r.kind == "windows.registry"]
    assert any("elsewhere.example" in policy for policy in policies)
    assert all(r.key.endswith(" two") for r in said.resources if r.kind == "windows.package")
    [proof] = [proof for proof in said.proofs if proof.kind == "windows.policy"]
    assert "elsewhere.example" in str(proof.parameters)


def test_the_pages_of_a_profile_are_its_own(example: Inventory) -> None:
    site = full(example, 2)
    other = site.people["E001"].model_copy(update={"profile": "engineer"})
    site = site.model_copy(update={"people": {**site.people, "E001": other}})
    work = onboard("E000", "E001").compile(site, Accounts())
    homes = {
        r.target: str(r.desired)
        for r in work.resources
        if r.kind == "windows.registry" and r.key.endswith("Firefox\\Homepage")
    }
    assert "/sales/" in homes["windows:WS-000"]
    assert "/engineering/" in homes["windows:WS-001"]


class _Counted(dict[Address, State | None]):
    """Says how often somebody went through all of it."""

    walked = 0

    def keys(self) -> Any:
        self.walked += 1
        return super().keys()

    def __iter__(self) -> Iterator[Address]:
        self.walked += 1
        return super().__iter__()


def test_restarts_of_many_pcs_do_not_walk_the_whole_plan_for_each() -> None:
    resources = []
    for number in range(MANY):
        package = Resource("windows.package", f"windows:WS-{number}", "Editor", InstalledPackage(version="1"))
        resources += [package, restart_after(package.target, [package.address])]
    found = _Counted({r.address: Restart(pending=False) if r.kind == "windows.restart" else None for r in resources})
    changes = planner.compare(resources, Reading(found, {}))
    assert [change.address.kind for change in changes] == ["windows.package"] * MANY + ["windows.restart"] * MANY
    assert found.walked <= 2


def test_a_restart_is_planned_only_where_something_changes() -> None:
    there = InstalledPackage(version="1")
    package = Resource("windows.package", "windows:WS-1", "Editor", there)
    restart = restart_after(package.target, [package.address])
    reading = Reading({package.address: there, restart.address: Restart(pending=False)}, {})
    assert planner.compare([package, restart], reading) == []
    unread = Reading({package.address: None}, {})
    assert [change.address for change in planner.compare([package, restart], unread)] == [package.address]


def test_the_same_thing_asked_for_twice_waits_for_all_that_either_requires() -> None:
    one, two = (Address("directory.user", "directory", name) for name in "ab")
    wanted = Resource("windows.package", "windows:WS-1", "Editor", InstalledPackage(version="1"), frozenset({one}))
    [change] = planner.compare(
        [wanted, replace(wanted, requires=frozenset({two}))], Reading({wanted.address: None}, {})
    )
    assert change.requires == {one, two}


def _change(key: str, *requires: str) -> Change[State]:
    def address(name: str) -> Address:
        return Address("windows.package", "windows:WS-1", name)

    return Change(address(key), None, InstalledPackage(version="1"), frozenset(map(address, requires)))


def test_a_circle_is_named_without_what_only_waits_for_it() -> None:
    changes = [_change("free"), _change("a", "b"), _change("b", "a", "free"), _change("behind", "a")]
    with pytest.raises(RequestError, match="require each other in a circle") as caught:
        planner.waves(changes)
    assert "[windows:WS-1/a]" in str(caught.value)
    assert "behind" not in str(caught.value)
    assert "free" not in str(caught.value)
    with pytest.raises(RequestError, match="in a circle"):
        planner.waves([_change("itself", "itself")])


def test_waves_are_as_early_as_they_can_be() -> None:
    changes = [_change("d", "b", "c"), _change("c", "a"), _change("b"), _change("a", "elsewhere")]
    assert [[change.key for change in wave] for wave in planner.waves(changes)] == [["a", "b"], ["c"], ["d"]]


class _Looked(Mapping[str, str]):
    """Who holds which number, and how often somebody asked."""

    def __init__(self, held: Mapping[str, str]) -> None:
        self.held, self.asked = held, 0

    def __getitem__(self, key: str) -> str:
        self.asked += 1
        return self.held[key]

    def __iter__(self) -> Iterator[str]:
        self.asked += len(self.held)
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


def test_extensions_of_many_are_chosen_in_one_pass(example: Inventory) -> None:
    assert example.phones is not None
    numbers = ExtensionRange(first="5000", last="5999", number="+49 30 5550 {extension}")
    phones = example.phones.model_copy(update={"ranges": {**example.phones.ranges, "staff": numbers}})
    site = full(example, MANY).model_copy(update={"phones": phones})
    held = _Looked({f"{5000 + number}": f"X{number}" for number in range(MANY)} | {"5999": "E000"})
    assert must_choose(site, site.people, {"staff": held})
    chosen = choose(site, site.people, Numbering({"staff": held}))
    assert [chosen[key].number for key in site.people][:3] == ["5999", "5040", "5041"]
    assert len({one.number for one in chosen.values()}) == MANY
    assert held.asked < 10 * MANY  # not MANY times MANY


def test_proofs_of_one_name_are_told_apart_by_their_parameters() -> None:
    one, same, other = (Proof("mail.delivery", "mail", "mail arrives", {"login": login}) for login in ("a", "a", "b"))
    assert [*dict.fromkeys([one, other, same])] == [one, other]


def test_addresses_and_resources_go_through_pickle() -> None:
    package = Resource("windows.package", "windows:WS-1", "Editor", InstalledPackage(version="1"))
    again = pickle.loads(pickle.dumps(package))  # noqa: S301  (our own)
    assert (again, again.address, str(again.address)) == (
        package,
        package.address,
        "windows.package[windows:WS-1/Editor]",
    )
    moved = replace(package, target="windows:WS-2")
    assert moved.address.target == "windows:WS-2"
    assert moved != package


def test_the_collector_is_paused_and_started_again() -> None:
    assert gc.isenabled()
    with no_collection():
        assert not gc.isenabled()
        with no_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(RequestError), no_collection():
        raise RequestError("whatever")
    assert gc.isenabled()


def test_what_is_set_aside_is_not_walked_until_the_end() -> None:
    with set_aside():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(
    "patterns", [("{given}@a.example", "{login}@b.example"), ("{given}@a.example",), ("{login}@x",)]
)
@pytest.mark.parametrize("logins", [[], ["p.q"], ["p.q", "p.q2", "p.q3"]])
def test_possible_addresses_are_those_of_every_login(
    example: Inventory, patterns: tuple[str, ...], logins: list[str]
) -> None:
    site = example.model_copy(update={"mail": example.mail.model_copy(update={"addresses": patterns})})
    person = site.people["E1042"]
    wanted = {a for login in logins for a in mail_addresses(person.given_name, person.family_name, login, patterns)}
    assert possible_addresses(site, "E1042", logins) == wanted


def test_addresses_without_the_login_are_not_made_for_every_login(
    example: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[str] = []

    def counted(given: str, family: str, login: str, patterns: Sequence[str], *more: Any) -> tuple[str, ...]:
        filled.extend(patterns)
        return mail_addresses(given, family, login, patterns, *more)

    monkeypatch.setattr(identity, "mail_addresses", counted)
    site = example.model_copy(update={"mail": example.mail.model_copy(update={"addresses": ("{given}@a.example",)})})
    possible_addresses(site, "E1042", [f"p{number}" for number in range(MANY)])
    assert len(filled) <= 3
