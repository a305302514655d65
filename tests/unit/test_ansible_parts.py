"""Parts of a PC: each is what the whole PC would get of it, no more and no less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretBytes

from provisioning.ansible_door.arguments import validated
from provisioning.ansible_door.definition import Result, Task
from provisioning.ansible_door.registry import MODULES
from provisioning.api import Site, bare_pc
from provisioning.connections.offline_join import as_file
from provisioning.errors import RequestError
from provisioning.procedures import registry
from provisioning.procedures.base import Accounts
from provisioning.procedures.intranet_access import IntranetAccess
from provisioning.procedures.onboard import onboard
from provisioning.procedures.pc_parts import PARTS, PcParts, pc_parts
from provisioning.procedures.pc_settings import PcSettings
from provisioning.resources.base import Address, Resource
from provisioning.resources.directory.accounts import Account
from provisioning.resources.directory.joining import Issued
from provisioning.resources.windows.registry import RegistryKey
from provisioning.site import Inventory
from tests.unit.cli_office import write_site
from tests.unit.moving_office import Bench, bench

PC, SALES = "WS-0042", "https://intranet.corp.example/sales/"
CHROME = "HKLM\\SOFTWARE\\Policies\\Google\\Chrome"
PAGES = [SALES, "https://intranet.corp.example/travel/"]
NOBODY = Accounts()


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return Site.load(write_site(tmp_path)).inventory


def resources(inventory: Inventory, *parts: Any, **more: Any) -> dict[Address, Resource]:
    work = pc_parts(inventory, PC, parts, **more).compile(inventory, NOBODY)
    return {one.address: one for one in work.resources}


def test_the_parts_together_are_the_whole_pc(inventory: Inventory) -> None:
    whole = {one.address: one for one in PcSettings(inventory, PC, "B-204", PAGES).resources()}
    found: dict[Address, Resource] = {}
    for part in PARTS:
        mine = resources(inventory, part)
        assert mine, part
        assert not found.keys() & mine.keys(), "the example's baseline names no key of a browser"
        found |= mine
    assert found == whole


def test_each_part_is_proven_by_its_own_keys(inventory: Inventory) -> None:
    proofs = {part: pc_parts(inventory, PC, [part]).compile(inventory, NOBODY).proofs for part in PARTS}
    assert not proofs["printers"]
    keys = [set(proofs[part][0].parameters["keys"]) for part in ("browsers", "mail programs", "baseline")]
    whole = next(PcSettings(inventory, PC, "B-204", PAGES).proofs()).parameters["keys"]
    assert set.union(*keys) == set(whole)
    assert sum(map(len, keys)) == len(whole)


def test_browsers_open_what_whoever_sits_there_needs_unless_pages_are_named(inventory: Inventory) -> None:
    def home(found: dict[Address, Resource]) -> Any:
        state = found[Address("windows.registry", f"windows:{PC}", CHROME)].desired
        assert isinstance(state, RegistryKey)
        value = state.values["HomepageLocation"]
        return value.data if value is not None else None

    assert home(resources(inventory, "browsers")) == SALES
    assert home(resources(inventory, "browsers", pages=["travel"])) == "https://intranet.corp.example/travel/"
    assert home(resources(inventory, "browsers", pages=["https://example.org/"])) == "https://example.org/"
    assert pc_parts(inventory, "WS-0090", ["browsers"]).pages == ("https://intranet.corp.example/",)


def test_policies_go_beside_the_sites_own(inventory: Inventory) -> None:
    more = {CHROME: {"BrowserGuestModeEnabled": {"type": "REG_DWORD", "data": 0}, "ShowHomeButton": None}}
    found = resources(inventory, "browsers", policies=more)
    state = found[Address("windows.registry", f"windows:{PC}", CHROME)].desired
    assert isinstance(state, RegistryKey)
    assert state.values["BrowserGuestModeEnabled"] is not None
    assert state.values["ShowHomeButton"] is None, "what a task says wins over the site"
    assert state.values["HomepageLocation"] is not None
    assert len(found) == len(resources(inventory, "browsers"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"pages": ["sale"]}, "the site has no page 'sale'; did you mean 'sales'?"),
        ({"policies": {"HKLM\\SOFTWARE\\Example": {}}}, "is no key of browser policies"),
        ({"policies": {CHROME: {"A": {"type": "REG_DWORD", "data": "red"}}}}, "holds a number"),
        ({"policies": {CHROME: {"A": {"type": "REG_RED", "data": 1}}}}, "policies: "),
        ({"policies": {CHROME: 1}}, "policies: "),
    ],
)
def test_what_browsers_cannot_be_told(inventory: Inventory, words: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as refused:
        pc_parts(inventory, PC, ["browsers"], **words)
    assert said in str(refused.value)


def test_a_pc_in_store_has_no_room_and_a_pc_that_is_none_nothing(inventory: Inventory) -> None:
    with pytest.raises(RequestError, match="it is in store"):
        pc_parts(inventory, "WS-0090", ["printers"]).compile(inventory, NOBODY)
    with pytest.raises(RequestError, match="did you mean 'WS-0042'"):
        pc_parts(inventory, "WS-042", ["printers"])
    silent = inventory.model_copy(update={"mail": inventory.mail.model_copy(update={"clients": None})})
    with pytest.raises(RequestError, match="the site says nothing of mail programs: see mail: clients"):
        pc_parts(silent, PC, ["mail programs"]).compile(silent, NOBODY)


def test_requests_survive_the_ledger(inventory: Inventory) -> None:
    more = {CHROME: {"BrowserGuestModeEnabled": {"type": "REG_DWORD", "data": 0}}}
    for request in (
        pc_parts(inventory, PC, ["browsers", "printers"], policies=more),
        IntranetAccess(("E1042",), ("other",), admitted=False),
    ):
        again = registry.from_plain(json.loads(json.dumps(request.to_plain())))
        assert again == request
        accounts = Accounts((Account("anna.petrova", "E1042", "cn=Anna", "Anna"),))
        assert again.compile(inventory, accounts) == request.compile(inventory, accounts)


def test_access_to_the_intranet_is_proven_as_onboarding_proves_it(inventory: Inventory) -> None:
    accounts = Accounts((Account("anna.petrova", "E1042", "cn=Anna", "Анна Петрова"),))
    work = IntranetAccess(("E1042",)).compile(inventory, accounts)
    joined = onboard("E1042").compile(inventory, accounts)
    assert set(work.proofs) == {one for one in joined.proofs if one.kind == "intranet.access"}
    closed = IntranetAccess(("E1042",), admitted=False).compile(inventory, accounts)
    assert not any(proof.parameters["admitted"] for proof in closed.proofs)
    with pytest.raises(RequestError, match="E1003 has no account yet"):
        IntranetAccess(("E1003",)).compile(inventory, accounts)


# -- as tasks


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return bench(tmp_path, monkeypatch)


def task(office: Bench, module: str, given: dict[str, Any], *, host: str = PC, check: bool = False) -> Result:
    definition = MODULES[module]
    target = f"windows:{host}" if definition.host_is else ""
    options = validated(given, definition.options, module)
    return definition.carry(Task(options, office.site, host, {}, check, True, target))


@pytest.mark.parametrize("module", ["browser_policy", "mail_profile", "workstation_baseline", "room_printers"])
def test_a_part_is_made_so_once(office: Bench, module: str) -> None:
    office.systems.setdefault(f"windows:{PC}", {}).clear()
    looked = task(office, module, {}, check=True)
    assert looked["changed"] is True
    assert not office.systems[f"windows:{PC}"]
    done = task(office, module, {})
    assert (done["changed"], done["diff"]) == (True, looked["diff"])
    assert task(office, module, {})["changed"] is False


def test_software_is_what_the_profile_says(office: Bench) -> None:
    office.systems.setdefault(f"windows:{PC}", {})
    looked = task(office, "approved_software", {}, check=True)
    assert {one["key"] for one in looked["resources"]} >= {"Meridian CRM Client", "Corporate Fonts"}
    with pytest.raises(RequestError, match="is not approved for profile 'sales' of E1042"):
        task(office, "approved_software", {"packages": ["kestrel-viewer"]})
    with pytest.raises(RequestError, match="nobody sits at WS-0090"):
        task(office, "approved_software", {}, host="WS-0090")


def test_for_whom_the_intranet_is_opened_must_be_known(office: Bench) -> None:
    with pytest.raises(RequestError, match="localhost is no workstation at which somebody sits"):
        task(office, "intranet_access", {}, host="localhost")


# -- the file of a bare PC


SECRET = b"the blob with the password of the machine"


@pytest.fixture
def issued(office: Bench, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the PCs that a blob was issued for; none of them ever signed in."""
    made: list[str] = []

    def issue(_: Any, name: str, dns: str) -> Issued:
        made.append(name)
        return Issued(name, dns, "corp.example", SecretBytes(SECRET), True)

    monkeypatch.setattr(bare_pc, "issue", issue)
    monkeypatch.setattr("provisioning.ansible_door.offline_join.distrusted", lambda *_: ["it never signed in"])
    return made


def join_file(office: Bench, file: Path, *, check: bool = False, **more: Any) -> Result:
    return task(office, "offline_domain_join", {"workstation": "WS-0090", "path": str(file), **more}, check=check)


def test_a_file_for_a_bare_pc_is_made_once_and_no_result_tells_what_is_in_it(
    office: Bench, issued: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "ws-0090.odj"
    assert join_file(office, file, check=True)["changed"] is True
    assert not file.exists()
    done = join_file(office, file)
    assert (done["changed"], done["path"], file.stat().st_mode & 0o777) == (True, str(file), 0o600)
    assert done["resources"][0]["key"] == "WS-0090"
    assert as_file(SECRET) == file.read_bytes()
    assert "AAA" not in json.dumps(done)
    assert SECRET.decode() not in json.dumps(done)
    again = join_file(office, file)
    assert (again["changed"], len(issued)) == (False, 1)
    assert join_file(office, file, again=True)["changed"] is True
    assert len(issued) == 2


def test_a_member_is_not_cut_off_by_a_new_file(
    office: Bench, issued: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ws-0090.odj"
    join_file(office, file)
    file.unlink()  # as the result advises
    monkeypatch.setattr("provisioning.ansible_door.offline_join.distrusted", lambda *_: [])
    done = join_file(office, file)
    assert done["changed"] is False
    assert "it is a member" in done["msg"]
    assert (file.exists(), len(issued)) == (False, 1)


def test_a_place_where_no_file_can_go_is_refused_before_anything_is_changed(
    office: Bench, issued: list[str], tmp_path: Path
) -> None:
    for place, said in ((tmp_path, "is a folder"), (tmp_path / "no" / "file", "there is no folder")):
        with pytest.raises(RequestError, match=said):
            join_file(office, place)
    with pytest.raises(RequestError, match="the site has no workstation 'localhost'"):
        task(office, "offline_domain_join", {"path": str(tmp_path / "x")}, host="localhost")
    assert not issued
    assert not office.site.runs()


def test_a_part_is_a_procedure_of_its_own() -> None:
    assert isinstance(registry.from_plain(PcParts(PC, ("printers",)).to_plain()), PcParts)
