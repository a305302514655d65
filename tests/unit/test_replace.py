"""`provision replace`, on systems in memory: desk, name, account, software, data, custody, and all of it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from provisioning.api import old_pc
from provisioning.connections.windows_tree import Entry
from provisioning.errors import RejectedError
from provisioning.procedures.registry import from_plain
from provisioning.procedures.replace import Replace
from provisioning.resources.base import Address
from provisioning.resources.network.reservation import Reservation
from provisioning.resources.windows.domain_membership import DomainMembership
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.user_data_survey import Survey
from tests.unit.whole_office import WholeOffice, whole_office

OLD, NEW, DESK = "WS-0042", "WS-0090", "B-204-3"
LOGIN = "anna.petrova"
WORDS = ("replace", OLD, NEW, "--reason", "fan is dead", "--yes")
THERE = Survey(f"Users\\{LOGIN}", "S-1-5-21-1-2-3-4", (Entry("Desktop\\a.txt", 3, 1),), ())


def empty_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    for made in whole_office(tmp_path, monkeypatch):
        accounts = made.store.accounts
        monkeypatch.setattr(
            "provisioning.api.replacing.read_accounts", lambda _, accounts=accounts, **words: accounts(**words)
        )
        monkeypatch.setattr(old_pc, "_sort", lambda _: "Client")
        monkeypatch.setattr(old_pc, "survey", lambda _session, _login: THERE)
        yield made


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    """Only the accounts are there: enough to be refused."""
    yield from empty_office(tmp_path, monkeypatch)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeOffice]:
    """Anna (E1042) works at WS-0042, which has an optional package and one that nobody approved for her."""
    for made in empty_office(tmp_path, monkeypatch):
        made.has_account("E1001", "hannah.brandt")
        made.ok("onboard", "E1042", "--with", "archive-tool", "--yes")
        member = DomainMembership(domain="corp.example", computer_name=OLD)
        made.store.held[Address("windows.domain_membership", f"windows:{OLD}", "domain")] = member
        made.store.held[Address("windows.package", f"windows:{OLD}", "Kestrel Viewer")] = InstalledPackage(
            version="2.1.0"
        )
        made.store.applied.clear()
        yield made


def state(office: WholeOffice, kind: str, key: str, target: str = "directory") -> Any:
    return office.store.state(kind, key, target)


def packages(office: WholeOffice, pc: str) -> set[str]:
    return {a.key for a in office.store.held if a.kind == "windows.package" and a.target == f"windows:{pc}"}


def test_the_new_pc_takes_the_place_of_the_old_one_and_back(office: WholeOffice) -> None:
    before = dict(office.store.held)
    shown = office.ok(*WORDS)
    assert "Run 2: done" in shown
    assert "optional packages that WS-0042 has now come along: archive-tool" in shown
    assert "not brought along, because it is not approved for sales: kestrel-viewer" in shown
    assert "WS-0042 must stay switched on and reachable until the data is brought" in shown
    assert packages(office, NEW) == {"Meridian CRM Client", "Corporate Fonts", "Halden Archive Tool"}
    account = state(office, "directory.computer", NEW)
    assert (account.location, account.enabled) == (f"B/B-204/{DESK}", True)
    retired = state(office, "directory.computer", OLD)
    assert (retired.location, retired.enabled) == (None, False)
    data = state(office, "windows.user_data", LOGIN, f"windows:{NEW}")
    assert (data.source, data.files, data.octets) == (OLD, 1, 3)
    site = office.site
    assert (site.wired.workstation_at[DESK], site.wired.workstations[OLD].workplace) == (NEW, None)
    held = {asset: who for asset, who in site.ledger.holders().items() if not asset.startswith("licence:")}
    assert held == {"NW-20042": "repair", "NW-20090": "E1042", "phone-204-3": "E1042"}
    assert [one.note for one in site.ledger.custody("NW-20042")][-1] == "fan is dead"
    assert [a.holder for a in site.ledger.allocations("licence:crm")] == ["E1042"], "it is her licence, on any PC"
    assert "WS-0042 was replaced by WS-0090 already, by run 2" in office.refused(*WORDS)
    assert any(NEW in name["name"] for name in site.run(2).record.proofs)

    office.ok("undo", "2", "--yes")
    assert office.store.held == before
    site = office.site
    assert (site.wired.workstation_at[DESK], site.ledger.holders()["NW-20042"]) == (OLD, "E1042")
    assert [a.holder for a in site.ledger.allocations("licence:crm")] == ["E1042"]


def test_by_asset_tag_with_the_old_ones_name(office: WholeOffice) -> None:
    before = dict(office.store.held)
    words = ("replace", "nw-20042", "NW-20090", "--reason", "smoke", "--keep-name", "--old-to", "scrap", "--yes")
    shown = office.ok(*words)
    assert "WS-0090 is called WS-0042 in the domain from now on" in shown
    account = state(office, "directory.computer", OLD)
    assert (account.enabled, account.description) == (True, "NW-20090 EliteDesk 800 G9")
    assert account.dns_host_name == "ws-0042.corp.example"
    assert state(office, "directory.computer", NEW) is None
    member = state(office, "windows.domain_membership", "domain", f"windows:{NEW}")
    assert member.computer_name == OLD
    assert office.site.wired.workstations[NEW].computer_name == OLD
    assert "Everything is as it should be" in office.ok("join", NEW, "--yes")
    # a third one takes over: both tags are told apart, the name goes on
    said = office.ok("replace", OLD, "WS-0091", "--reason", "again", "--keep-name", "--yes")
    assert "replace WS-0090 by WS-0091" in said
    stations = office.site.wired.workstations
    assert (stations["WS-0091"].computer_name, stations[NEW].computer_name) == (OLD, None)
    assert office.site.ledger.holders()["NW-20042"] == "scrap"
    office.ok("undo", str(_last(office)), "--yes")
    office.ok("undo", "2", "--yes")
    assert office.store.held == before


@pytest.mark.parametrize("dead", [False, True])
def test_the_seat_of_a_pool_that_counts_devices_goes_along_and_back(empty: WholeOffice, *, dead: bool) -> None:
    """There is one seat only, and a dead PC cannot give it up."""
    empty.edit("software.yml", "    seats: 25\n    metric: per-user", "    seats: 1\n    metric: per-device")
    empty.has_account("E1001", "hannah.brandt")
    empty.ok("onboard", "E1042", "--yes")
    assert [a.holder for a in empty.site.ledger.allocations("licence:crm")] == [OLD]
    if dead:
        empty.sessions.off = {f"windows:{OLD}"}
    shown = empty.ok(*WORDS)
    assert "seats left" not in shown
    assert [a.holder for a in empty.site.ledger.allocations("licence:crm")] == [NEW]
    empty.sessions.off.clear()
    empty.ok("undo", "2", "--yes")
    assert [a.holder for a in empty.site.ledger.allocations("licence:crm")] == [OLD]


def _last(office: WholeOffice) -> int:
    return office.site.runs(1)[0].id


def test_a_dead_pc_without_an_archive(office: WholeOffice) -> None:
    office.sessions.off = {f"windows:{OLD}"}
    shown = office.ok(*WORDS)
    assert "WS-0042 does not answer (nobody answers); its optional packages come from the ledger: archive-tool" in shown
    assert f"nothing of the data of {LOGIN} can be brought: WS-0042 does not answer" in shown
    assert f"`provision transfer-data WS-0042 WS-0090 --profile {LOGIN}`" in shown
    assert "must stay switched on" not in shown
    assert packages(office, NEW) == {"Meridian CRM Client", "Corporate Fonts", "Halden Archive Tool"}
    assert not office.store.of("windows.user_data")


def test_a_dead_pc_with_archives(office: WholeOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = office.site.inventory.user_data.archives
    folder.mkdir(parents=True)
    for name in ("WS-0042-20260102T030405Z", "WS-0042-20260301T080000Z", "WS-00421-20260401T080000Z"):
        (folder / f"{name}.tar.gz").touch()
    asked: list[str] = []

    class Archive:
        manifest: ClassVar[dict[str, Any]] = {"profiles": {"Anna.Petrova.CORP": {}}}

        def __init__(self, file: Path, *_: Any) -> None:
            asked.append(file.name)

        def __enter__(self) -> Archive:
            return self

        def __exit__(self, *_: object) -> None: ...

        def profile(self, name: str) -> Survey:
            return Survey(name, "S-1", THERE.entries, ())

    monkeypatch.setattr(old_pc, "opened", Archive)
    office.sessions.off = {f"windows:{OLD}"}
    shown = office.ok(*WORDS)
    assert asked == ["WS-0042-20260301T080000Z.tar.gz"]
    assert "comes from the archive of 2026-03-01 08:00 UTC (WS-0042-20260301T080000Z.tar.gz)" in shown
    data = state(office, "windows.user_data", "Anna.Petrova.CORP", f"windows:{NEW}")
    assert data.source == f"archive:{folder}/{asked[0]}"


def test_who_never_signed_in_there_and_no_data(office: WholeOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any) -> Survey:
        raise RejectedError("windows:WS-0042", "nobody called so")

    monkeypatch.setattr(old_pc, "survey", nobody)
    assert f"{LOGIN} has no profile at WS-0042" in office.ok(*WORDS)
    office.ok("undo", "2", "--yes")
    assert "no data is brought (--no-data)" in office.ok(*WORDS, "--no-data")
    assert not office.store.of("windows.user_data")


def test_the_fixed_address_goes_along(office: WholeOffice) -> None:
    text = (office.folder / "workstations.csv").read_text(encoding="utf-8").splitlines()
    lines = [
        line + (",fixed_address" if line.startswith("workstation,") else "" if line[:1] == "#" else ",")
        for line in text
    ]
    lines = [line.replace("127.77.0.101,B-204-3,", "127.77.0.101,B-204-3,10.20.20.42") for line in lines]
    (office.folder / "workstations.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    former = Address("network.reservation", "dhcp", "02:00:5e:10:00:42")
    office.store.held[former] = Reservation(address="10.20.20.42", host=OLD)
    office.ok(*WORDS)
    assert office.store.of("network.reservation") == {"02:00:5e:10:00:90": Reservation(address="10.20.20.42", host=NEW)}
    order = [c.key for c in office.store.applied if c.address.kind == "network.reservation"]
    assert order == ["02:00:5e:10:00:42", "02:00:5e:10:00:90"], "never two with one address"
    stations = office.site.wired.workstations
    assert (str(stations[NEW].fixed_address), stations[OLD].fixed_address) == ("10.20.20.42", None)


def test_nobody_has_the_desk(office: WholeOffice) -> None:
    office.edit("people.csv", "E1038,William,Hart,Sales,sales,,E1002,B-204-1", "E1038,William,Hart,Sales,sales,,E1002,")
    shown = office.ok("replace", "WS-0043", NEW, "--reason", "old", "--yes")
    assert "nobody has the workplace B-204-1, so its port stays as it is" in shown
    assert not [c for c in office.store.applied if c.address.kind == "switch.port"]
    assert office.site.ledger.holders()["NW-20043"] == "repair"


def test_a_failed_join_leaves_the_old_pc_its_account(office: WholeOffice) -> None:
    there = Address("windows.domain_membership", f"windows:{NEW}", "domain")
    office.store.held[there] = DomainMembership(domain=None, computer_name="WIN-7")
    office.store.refuses[there] = RejectedError(f"windows:{NEW}", "djoin ended with exit code 87")
    result = office.run(*WORDS)
    assert result.exit_code == 3
    assert state(office, "directory.computer", OLD).enabled
    assert not office.store.of("windows.user_data")
    office.store.refuses.clear()
    office.ok("resume", "2")
    assert not state(office, "directory.computer", OLD).enabled


def test_it_compiles_the_same_before_and_after_its_amendments(office: WholeOffice) -> None:
    office.ok(*WORDS, "--keep-name")
    site = office.site
    request = from_plain(json.loads(json.dumps(dict(site.run(2).record.request))))
    assert isinstance(request, Replace)
    plan = site.plan(request)
    assert (plan.changes, plan.books.amendments, plan.books.custody) == ((), (), ())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("WS-0042 WS-0042 --reason x", "WS-0042 cannot take its own place"),
        ("WS-0042 WS-0043 --reason x", "it stands at B-204-1 of E1038 William Hart; take one from the store: WS-0090"),
        ("WS-0042 WS-00902 --reason x", "name or asset tag 'WS-00902'; did you mean 'WS-0090'?"),
        ("WS-9942 WS-0090 --reason x", "no workstation with the name or asset tag 'WS-9942'"),
        ("WS-0091 WS-0090 --reason x", "WS-0091 stands at no desk (it is in store)"),
        ("WS-0042 WS-0090", "Missing option '--reason'"),
        ("WS-0042 WS-0090 --reason=", "a replacement needs a reason"),
        ("WS-0042 WS-0090 --reason x --old-to bin", "'bin' is not one of"),
        ("WS-0042 WS-0090 --reason x --start 2001-01-01", "has passed"),
    ],
)  # fmt: skip
def test_refused_and_nothing_changed(empty: WholeOffice, words: str, said: str) -> None:
    assert said in empty.refused("replace", *words.split(), "--yes")
    assert not empty.store.applied


def test_a_pc_that_is_not_there_to_be_taken(empty: WholeOffice) -> None:
    from provisioning.ledger import CustodyTransfer  # noqa: PLC0415

    for holder, said in (
        ("E1003", "is in the hands of E1003 Zoé Lefèvre; have it back first"),
        ("repair", "is out for repair, says the ledger; take another one: WS-0091"),
        ("scrap", "is scrapped"),
    ):
        empty.site.ledger.hand_over([CustodyTransfer("NW-20090", holder)])
        assert said in empty.refused(*WORDS)


def test_another_sort_of_windows(empty: WholeOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_pc, "_sort", lambda session: "Server" if NEW in session else "Client")
    assert "WS-0042 runs Windows Client, WS-0090 Windows Server; take one of the same sort" in empty.refused(*WORDS)


def test_a_name_that_another_pc_has(office: WholeOffice) -> None:
    office.ok(*WORDS, "--keep-name", "--old-to", "store")
    office.has_account("E1038", "william.hart")
    again = ("replace", "WS-0043", OLD, "--reason", "x", "--yes")
    said = office.refused(*again)
    assert (
        "the name WS-0042 belongs to WS-0090 in the domain by now; --keep-name gives WS-0042 the name of WS-0043"
        in said
    )
    office.ok(*again, "--keep-name")


def test_scheduled(empty: WholeOffice) -> None:
    empty.ok(*WORDS, "--start", "2099-01-01")
    [record] = empty.site.requests(1)
    assert (record.title, record.state) == ("replace WS-0042 by WS-0090 at B-204-3", "scheduled")
    assert empty.site.wired.workstation_at[DESK] == OLD
