"""`provision move` on an office in memory: one person, a swap, a department, and everything that is refused."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import planning
from provisioning.api.relocating import move
from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts, Fact
from provisioning.procedures.registry import from_plain
from provisioning.resources.directory.computer import Computer
from tests.unit.moving_office import Bench
from tests.unit.moving_office import bench as moving_bench

SALES, OFFICES = "\\\\print.corp.example\\B2-Sales", "\\\\print.corp.example\\B2-Offices"
PHONE = ("phones.configuration", "02005e104043.cfg")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return moving_bench(tmp_path, monkeypatch)


def location(bench: Bench, pc: str) -> str | None:
    found = bench.systems["directory"]["directory.computer", pc]
    assert isinstance(found, Computer)
    return found.location


def printers(bench: Bench, pc: str) -> set[str]:
    return {key for kind, key in bench.systems[f"windows:{pc}"] if kind == "windows.printer"}


# -------------------------------------------------------------------------------------------------- one person


def test_everything_goes_along_and_undo_brings_it_back(bench: Bench) -> None:
    lines = ["description B-204-3 B2-04C WS-0042", "switchport access vlan 20", "switchport voice vlan 120"]
    bench["sw-b2-1"].ports["GigabitEthernet1/0/12"] = [*lines, "switchport mode access"]
    before = bench.state()
    said = bench.run("move", "E1042", "--to", "B-206-2", "--yes", code=1)
    assert "B-206-2 is Ünal Yılmaz's (E1028); --swap exchanges the two desks, or move E1028 first" in said
    bench.edit(
        "people.csv", "E1028,Ünal,Yılmaz,IT,it-support,,E1019,B-206-2", "E1028,Ünal,Yılmaz,IT,it-support,,E1019,"
    )

    said = bench.run("move", "E1042", "--to", "B-206-2", "--yes")
    assert "move E1042 from B-204-3 to B-206-2" in said
    assert "Run 1: done" in said
    assert "people E1042: workplace B-204-3 → B-206-2" in said
    assert bench.user("anna.petrova").office == "B-206-2"
    assert location(bench, "WS-0042") == "B/B-206/B-206-2"
    assert printers(bench, "WS-0042") == {OFFICES}
    assert "shutdown" in bench.port(12)
    assert not [line for line in bench.port(12) if "description" in line or "vlan" in line]
    assert "description B-206-2 B2-06B WS-0042" in bench.port(6, "sw-b2-2")
    assert "switchport access vlan 20" in bench.port(6, "sw-b2-2")
    now = bench.site.wired
    assert (now.people["E1042"].workplace, now.workstation_at["B-206-2"]) == ("B-206-2", "WS-0042")
    assert now.telephone_at["B-206-2"] == "phone-204-3"
    assert (now.equipment["phone-204-3"].outlet, now.equipment["phone-204-3"].room) == ("B2-06B", "B-206")
    names = {proof.name for proof in bench.proofs}
    assert {"WS-0042 has an address in VLAN staff", "WS-0042 is on GigabitEthernet1/0/6 in VLAN 20"} <= names
    assert {"extension 1042 registers", "port GigabitEthernet1/0/12 is released"} <= names

    assert "E1042 is at B-206-2 already" in bench.run("move", "E1042", "--to", "B-206-2", "--yes", code=1)
    bench.run("undo", "1", "--yes")
    assert bench.state() == before
    assert bench.site.wired.people["E1042"].workplace == "B-204-3"
    assert bench.site.wired.telephone_at["B-204-3"] == "phone-204-3"


def test_a_run_that_waits_for_the_pc_goes_on_from_the_amended_site(bench: Bench) -> None:
    """The PC is under the arm: ports first, its printers when it is plugged in at the new desk."""
    bench.off.add("windows:WS-0042")
    said = bench.run("move", "anna.petrova", "--to", "B-204-2", "--yes", code=3)
    assert "waiting" in said
    assert bench.user("anna.petrova").office == "B-204-2"
    assert "shutdown" in bench.port(12)
    bench.off.clear()
    bench.run("resume", "1", "--now")
    assert bench.site.runs()[0].state == "done"
    assert printers(bench, "WS-0042") == {SALES}
    assert bench.site.ledger.run(1).request["legs"][0]["source"] == "B-204-3"


@pytest.mark.parametrize(
    ("setting", "lines"),
    [
        ("released: shut", ["shutdown"]),
        ("quarantine_vlan: guests, unused_description: free", ["description free", "switchport access vlan 90"]),
        ("released: quarantine, quarantine_vlan: guests", ["switchport access vlan 90"]),
        ("released: shut, quarantine_vlan: guests", ["shutdown", "switchport access vlan 90"]),
        ("released: guest", ["switchport access vlan 90", "spanning-tree portfast"]),
    ],
)
def test_the_old_port_is_released_as_the_site_says(bench: Bench, setting: str, lines: list[str]) -> None:
    text = (bench.folder / "network.yml").read_text(encoding="utf-8")
    extra = "".join(f"    {one.strip()}\n" for one in setting.split(","))
    (bench.folder / "network.yml").write_text(text.replace("  patching:\n", f"  patching:\n{extra}"), "utf-8")
    bench.run("move", "E1042", "--to", "B-204-2", "--yes")
    port = bench.port(12)
    assert set(lines) <= set(port)
    assert ("shutdown" in port) == ("shutdown" in lines)


def test_who_leaves_the_pc_takes_the_one_at_the_new_desk(bench: Bench) -> None:
    bench.edit("workstations.csv", "ws-0090.corp.example,,", "ws-0090.corp.example,,B-204-2")
    refused = bench.run("move", "E1042", "--to", "B-204-2", "--yes", code=1)
    assert "WS-0090 stands at B-204-2 already, so WS-0042 has no place there; --without-pc leaves WS-0042" in refused
    said = bench.run("move", "E1042", "--to", "B-204-2", "--without-pc", "--yes")
    assert "E1042 takes WS-0090 at B-204-2; `provision transfer-data WS-0042 WS-0090 --profile anna.petrova`" in said
    assert "WS-0042 stays at B-204-3, where nobody sits any more: its port is released" in said
    packages = {key for kind, key in bench.systems["windows:WS-0090"] if kind == "windows.package"}
    assert packages, "the profile's software"
    assert bench.site.ledger.holders()["NW-20090"] == "E1042"
    assert bench.site.wired.workstation_at["B-204-3"] == "WS-0042"


def test_a_pc_alone(bench: Bench) -> None:
    said = bench.run("move", "WS-0090", "--to", "b-205-2", "--yes")
    assert "B-205-2" in said
    assert location(bench, "WS-0090") == "B/B-205/B-205-2"
    assert "description B-205-2 B2-05B WS-0090" in bench.port(3, "sw-b2-2")
    assert bench.site.ledger.holders()["NW-20090"] == "E1011"
    assert "is a PC" in bench.run("move", "WS-0091", "--to", "B-204-2", "--swap", "--yes", code=1)
    unknown = bench.run("move", "WS-0091", "--to", "B-204-2", "--yes", code=1)
    assert "nobody has the workplace B-204-2, so its VLAN is not known" in unknown


def test_an_outlet_without_a_cable_gets_a_port_and_an_order(bench: Bench) -> None:
    bench.edit("outlets.csv", "B2-04B,C-B2,P1,11,sw-b2-1,GigabitEthernet1/0/11", "B2-04B,C-B2,P1,11,,")
    dry = bench.run("move", "E1042", "--to", "B-204-2", "--dry-run", code=2)
    assert "Patch order (not given out yet)" in dry
    assert not bench.site.has_ledger
    before = bench.state()
    said = bench.run("move", "E1042", "--to", "B-204-2", "--yes")
    assert "the cable of outlet B2-04B is still to be laid" in said
    (order,) = bench.site.ledger.patch_orders()
    assert (order.outlet, order.state, order.expected_mac) == ("B2-04B", "open", "02:00:5e:10:00:42")
    assert "description B-204-2 B2-04B WS-0042" in bench[order.switch].ports[order.switch_port]
    assert not [proof for proof in bench.proofs if proof.kind == "network.port"], "the order proves it"
    bench.run("undo", "1", "--yes")
    assert bench.state() == before
    assert bench.site.ledger.port_holders() == {}


# ------------------------------------------------------------------------------------------ swaps and departments


def test_two_people_swap_and_each_takes_the_pc_along(bench: Bench) -> None:
    before = bench.state()
    said = bench.run("move", "petrova", "--to", "B-204-1", "--swap", typed="y\n", code=1)
    assert "no terminal" in said, "nobody can confirm it"
    said = bench.run("move", "Анна Петрова", "--to", "B-203-1", "--swap", "--yes")
    assert "swap E1042 at B-204-3 and E1002 at B-203-1" in said
    assert (bench.user("anna.petrova").office, bench.user("joerg.mueller").office) == ("B-203-1", "B-204-3")
    assert "description B-203-1 B2-03A WS-0042" in bench.port(6)
    assert "description B-204-3 B2-04C WS-0031" in bench.port(12)
    assert "shutdown" not in bench.port(12)
    assert location(bench, "WS-0031") == "B/B-204/B-204-3"
    bench.run("undo", "1", "--yes")
    assert bench.state() == before


def test_a_swap_of_desks_with_telephones_swaps_the_extensions(bench: Bench) -> None:
    text = (bench.folder / "equipment.csv").read_text(encoding="utf-8")
    row = "phone-203-1,telephone,B-203,B2-03A,voice,02:00:5e:10:40:31,,,SIP-T46U,B-203-1\n"
    (bench.folder / "equipment.csv").write_text(text.rstrip("\n") + "\n" + row, encoding="utf-8")
    bench.run("move", "E1042", "--with", "E1002", "--yes")
    files = bench.systems["phone-files"]
    sources = [files["phones.configuration", f"02005e1040{end}.cfg"].secrets for end in ("43", "31")]  # type: ignore[attr-defined]
    assert sources == [{"account.1.password": "kept:1002/E1002"}, {"account.1.password": "kept:1042/E1042"}]
    assert bench.site.ledger.holders()["phone-203-1"] == "E1042"
    bench.run("move", "E1042", "--to", "B-204-2", "--yes")
    vacant: Any = files["phones.configuration", "02005e104031.cfg"]
    assert bench.site.wired.telephone_at["B-204-2"] == "phone-203-1", "it goes along: the new desk has none"
    assert vacant.secrets == {"account.1.password": "kept:1042/E1042"}
    bench.run("move", "E1002", "--to", "B-203-1", "--yes")
    bench.run("move", "E1042", "--to", "B-204-3", "--yes")


def test_a_telephone_that_nobody_has_any_more_forgets_its_extension(bench: Bench) -> None:
    text = (bench.folder / "equipment.csv").read_text(encoding="utf-8")
    row = "phone-204-2,telephone,B-204,B2-04B,voice,02:00:5e:10:40:42,,,SIP-T46U,B-204-2\n"
    (bench.folder / "equipment.csv").write_text(text.rstrip("\n") + "\n" + row, encoding="utf-8")
    bench.run("move", "E1042", "--to", "B-204-2", "--yes")
    files: Any = bench.systems["phone-files"]
    assert files[PHONE].settings == {"account.1.enable": "0"}
    assert files[PHONE].secrets == {}
    assert files["phones.configuration", "02005e104042.cfg"].secrets == {"account.1.password": "kept:1042/E1042"}


def test_a_ring_of_three_from_a_table_in_one_plan(bench: Bench, tmp_path: Path) -> None:
    before = bench.state()
    table = tmp_path / "ring.csv"
    table.write_bytes("Who;To\r\nE1042;B-203-1\r\nJörg Müller;B-204-1\r\nE1038;B-204-3\r\n".encode("cp1252"))
    said = bench.run("move", "--from", str(table), "--yes")
    assert "Run 1: done" in said
    desks = {key: bench.site.wired.people[key].workplace for key in ("E1042", "E1002", "E1038")}
    assert desks == {"E1042": "B-203-1", "E1002": "B-204-1", "E1038": "B-204-3"}
    assert len(bench.site.runs()) == 1
    bench.run("undo", "1", "--yes")
    assert bench.state() == before
    assert bench.run("move", "E1042", "--with", "E1002", "--with", "E1038", "--dry-run", code=2)


def test_all_conflicts_of_a_table_are_named_with_file_and_line_before_anything_is_touched(
    bench: Bench, tmp_path: Path
) -> None:
    table = tmp_path / "sales.csv"
    rows = ["who,to,pc", "E1042,B-204-2,", "E1038,B-204-2,", "E9999,B-201-1,", "E1002,B-203-2,", "E1042,B-205-2,",
            "Jorg Muller,B-299-1,", ",B-204-2,", "WS-0033,B-203-2,", "E1003,B-203-2,", "E1023,B-203-9,",
            "E1007,B-207-1,no", "WS-0031,B-204-1,"]  # fmt: skip
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    before = bench.state()
    said = bench.run("move", "--from", str(table), "--yes", code=1)
    assert said.replace("Error: ", "").replace(f"{table}:", "").split("\n  ") == [
        "3: B-204-2 is given to E1042 and E1038; give each of them a desk of their own (see 2)",
        "4: the site has no person or workstation 'E9999'; `provision show` lists what there is",
        "6: E1042 is moved twice; keep one of the two (see 2)",
        "6: B-205-2 is Siobhán O'Brien's (E1011); --swap exchanges the two desks, or move E1011 first",
        "7: the site has no workplace 'B-299-1'; did you mean 'B-207-1'?",
        "8: the cell 'who' is empty; it names a person or workstation of the site",
        "9: WS-0031 and WS-0033 would both stand at B-203-2; leave one of them behind (see 5)",
        "10: B-203-2 is given to E1002 and E1003; give each of them a desk of their own (see 5)",
        "10: E1003 is at B-203-2 already",
        "11: the site has no workplace 'B-203-9'; did you mean 'B-203-3'?",
        "12: E1007 has no account yet; `provision onboard E1007 --desk B-207-1` gives them one, and the desk with it",
        "13: WS-0031 is moved twice; keep one of the two (see 5)",
        "12 conflicts; nothing was changed\n",
    ]
    assert bench.state() == before
    assert not bench.site.has_ledger


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("who,to\n", "there are no rows"),
        ("who\nE1042\n", "the column 'to' is missing"),
        ("who,too\nE1042,B-204-2\n", "there is no column 'too'; did you mean 'to'?"),
        ("who,to\nE1042,B-204-2,x\n", "the row has 3 cells, the header 2"),
        ("who,to,pc\nE1042,B-204-2,maybe\n", "pc: 'maybe' does not fit; expected along or stays"),
        ("who,to\npetr,B-204-2\n", "the site has no person or workstation 'petr'"),
    ],
)
def test_a_table_that_is_not_one(bench: Bench, tmp_path: Path, text: str, message: str) -> None:
    table = tmp_path / "moves.csv"
    table.write_text(text, encoding="utf-8")
    assert message in bench.run("move", "--from", str(table), "--yes", code=1)
    assert not bench.site.has_ledger


# ------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["E1042"], "where to? --to WORKPLACE, or --with PERSON to exchange desks"),
        (["--to", "B-204-2"], "name a person or a PC"),
        (["E9942", "--to", "B-204-2"], "the site has no person or workstation 'E9942'; did you mean 'E1042'?"),
        (["E1042", "--to", "B-999-2"], "the site has no workplace 'B-999-2'; did you mean"),
        (["E1042", "--to", "B-204-2", "--swap"], "nobody has the desk B-204-2, so there is nobody to swap with"),
        (["E1042", "--swap"], "--swap needs the desk to swap with"),
        (["E1042", "--to", "B-204-1", "--with", "E1002"], "E1002 has the desk B-203-1, not B-204-1"),
        (["E1042", "--with", "E1042"], "a desk cannot be exchanged with oneself"),
        (["E1042", "--with", "E1043"], "Thu Hà Nguyễn (E1043) has no desk that could be given to E1042"),
        (["E1007", "--to", "B-204-2"], "E1007 has no account yet; `provision onboard E1007 --desk B-204-2`"),
        (["E1042", "--to", "B-204"], "'B-204' fits 3 things: B-204-1 in room B-204, outlet B2-04A, E1038; B-204-2"),
        (["petr", "--to", "B-204-2"], "'petr' may be E1042 Анна Петрова, Sales, B-204-3; with --yes nobody confirms"),
        (["E1042", "--to", "B-204-2", "--from", "x.csv"], "--from FILE.csv says it all"),
        (["--from", "nowhere.csv"], "nowhere.csv: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(bench: Bench, words: list[str], message: str) -> None:
    before = bench.state()
    assert message in bench.run("move", *words, "--yes", code=1)
    assert bench.state() == before
    assert not bench.site.has_ledger


def test_somebody_who_took_the_desk_meanwhile(bench: Bench) -> None:
    request = move(bench.site, "E1042", "B-204-2")
    bench.run("move", "E1038", "--to", "B-204-2", "--yes")
    with pytest.raises(RequestError, match="B-204-2 is William Hart's"):
        request.compile(bench.site.wired, Accounts())
    gone = move(bench.site, "E1042", "B-204-1")
    bench.run("move", "E1042", "--to", "B-206-1", "--swap", "--yes", code=1)  # E1019 has no account
    bench.run("move", "E1042", "--with", "E1002", "--yes")
    with pytest.raises(RequestError, match="E1042 is at B-203-1 by now, not at B-204-3; ask for the move again"):
        gone.compile(bench.site.wired, Accounts())


def test_the_exchange_is_not_asked_since_a_move_gives_no_extension(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E1043 has a class of telephone, but no extension: onboarding would look for a free one."""
    monkeypatch.undo()
    bench.edit("people.csv", ",+49 30 5550 1043", ",")
    site = bench.site.wired
    monkeypatch.setattr(planning, "taken", lambda _: frozenset({"1050"}))
    asked: tuple[tuple[Fact, list[str]], ...] = (("held extensions", []), ("extensions", ["phones"]))
    for fact, targets in asked:
        sessions = _Opened()
        planning._numbering(site, ["E1043"], {fact}, sessions, None)
        assert sessions.targets == targets
    assert "extensions" not in move(bench.site, "WS-0090", "B-204-2").asks(site)


class _Opened:
    """Sessions that only remember to which targets they were asked for."""

    def __init__(self) -> None:
        self.targets: list[str] = []

    def session(self, target: str) -> nullcontext[str]:
        self.targets.append(target)
        return nullcontext(target)


def test_the_ledger_keeps_the_request(bench: Bench) -> None:
    request = move(bench.site, "E1042", "B-203-1", swap=True)
    assert from_plain(json.loads(json.dumps(request.to_plain()))) == request
    assert request.to_plain()["persons"] == ["E1042", "E1002"]
    with pytest.raises(RequestError, match="not one that this version wrote"):
        from_plain({"procedure": "move", "legs": [{}], "patches": []})


def test_a_move_may_wait_for_its_day(bench: Bench) -> None:
    said = bench.run("move", "E1042", "--to", "B-204-2", "--start", "2099-01-04T08:00", "--yes")
    assert "2099-01-04" in said
    assert bench.site.wired.people["E1042"].workplace == "B-204-3", "nothing holds before it begins"
    assert bench.site.requests()[0].state == "scheduled"


def test_a_fixed_address_must_fit_the_new_vlan(bench: Bench) -> None:
    text = (bench.folder / "workstations.csv").read_text(encoding="utf-8")
    text = text.replace("address,workplace", "address,workplace,fixed_address")
    text = text.replace("127.77.0.101,B-204-3", "127.77.0.101,B-204-3,10.20.90.7")
    (bench.folder / "workstations.csv").write_text(text, encoding="utf-8")
    said = bench.run("move", "E1042", "--to", "B-204-2", "--yes", code=1)
    assert "WS-0042 has the fixed address 10.20.90.7, which is not in 10.20.20.0/24 of VLAN staff" in said
