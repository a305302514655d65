"""Checks of the lines, from switches in memory to what is said on the command line."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.connections.openers import OPENERS
from provisioning.errors import RequestError, UnreachableError
from tests.unit.lines_building import ONE, TWO, Building, made_building  # noqa: F401  (a fixture)
from tests.unit.lines_switch import FakeSwitch


def test_all_is_fine(building: Building) -> None:
    result = building.run()
    assert result.exit_code == 0, result.output
    assert result.stdout == "48 ports of 2 switches checked, 12 in use, 48 fine; nothing was found.\n"


def test_one_session_and_one_write_a_switch(building: Building) -> None:
    building.run()
    for switch in building.switches.values():
        [asked] = switch.asked
        assert len(asked) == 8
        assert switch.closed == 1


def test_a_bad_cable_is_found_by_the_second_check(building: Building) -> None:
    assert building.run().exit_code == 0
    building.hour()
    building.one[7].count(crc=100, in_errors=100)
    result = building.run()
    assert result.exit_code == 2
    assert result.stdout.splitlines()[:2] == [
        "fault    sw-b2-1 Gi1/0/7 (desk B-203-2, WS-0032): 100 of 50 thousand received frames were damaged in 1 h "
        "(2,000 per million; CRC 100)",
        "         → replace the patch cables at the desk and in the closet; if it stays, have the run to outlet B2-03B "
        "measured, then try the network card of WS-0032",
    ]
    assert result.stdout.splitlines()[-1] == "48 ports of 2 switches checked, 12 in use, 47 fine: 1 fault."
    building.hour()
    building.one[7].count(crc=100, in_errors=100)
    assert "[since 2026-11-23 07:00 UTC]" in building.run().stdout
    building.hour()
    assert building.run().exit_code == 0, "the cable was replaced"


def test_a_dry_run_leaves_no_trace(building: Building) -> None:
    building.one[7].count(in_packets=1_000_000, crc=100, in_errors=100)
    assert building.run("--dry-run").exit_code == 2
    assert not (building.folder.parent / "lab" / "ledger.sqlite").exists()
    assert not building.site().has_ledger


def test_only_the_switches_that_are_named(building: Building) -> None:
    assert building.run(TWO, TWO).stdout.startswith("24 ports of 1 switch checked")
    assert not building.one.asked


def test_an_unknown_switch_is_refused_before_anything_is_read(building: Building) -> None:
    result = building.run(ONE, "sw-b2-3")
    assert result.exit_code == 1
    assert result.stderr == "Error: the site has no switch 'sw-b2-3'; did you mean 'sw-b2-2'?\n"
    assert not building.one.asked
    with pytest.raises(RequestError):
        building.site().lines("sw-b2-3")


@pytest.mark.parametrize(
    "words", [("--history", "0"), ("--history", "x"), ("--page", "/nowhere/p.html"), ("--page", "p.txt")]
)
def test_wrong_options_are_refused_before_anything_is_read(building: Building, words: tuple[str, ...]) -> None:
    result = building.run(*words)
    assert result.exit_code == 1
    assert "bug" not in result.stderr
    assert not building.one.asked


def test_a_switch_that_does_not_answer_is_named_and_the_others_are_checked(building: Building) -> None:
    building.two.error = UnreachableError("switch:sw-b2-2", "127.77.0.22 port 22 does not answer; is it switched on?")
    building.one[7].power = "faulty"
    result = building.run()
    assert result.exit_code == 3
    assert "! sw-b2-2 was not checked: 127.77.0.22 port 22 does not answer; is it switched on?\n" in result.stdout
    assert result.stdout.endswith(
        "24 ports of 1 switch checked, 8 in use, 23 fine; 1 switch could not be checked: 1 fault.\n"
    ), result.stdout


def test_what_a_switch_refuses_is_left_out_and_said(building: Building) -> None:
    building.one.refuses = {"show interfaces", "show power inline", "show cdp neighbors detail"}
    building.one.refuses.add("show mac address-table")
    result = building.run()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "  sw-b2-1: errors and discards were not judged: it refuses 'show interfaces'",
        "  sw-b2-1: the devices that are plugged in were not judged: it refuses 'show mac address-table'",
    ]
    assert "power" not in result.stdout


def test_a_switch_that_does_not_list_its_ports_is_not_checked(building: Building) -> None:
    building.one.refuses = {"show interfaces status"}
    result = building.run()
    assert result.exit_code == 3
    assert "! sw-b2-1 was not checked: refused the command 'show interfaces status'" in result.stdout


def test_drift_is_a_finding_with_what_matters_first(building: Building) -> None:
    building.one[7].config = ("switchport access vlan 30", "shutdown")
    building.one[7].status = "disabled"
    said = building.run().stdout
    assert "warning  sw-b2-1 Gi1/0/7 (desk B-203-2, WS-0032): enabled is no, expected yes; mode is" in said
    assert re.search(r"access VLAN is 30, expected 20; \d more\n", said)
    assert "`provision apply` sets it right" in said


def test_advice_that_is_the_same_is_given_once(building: Building) -> None:
    for number in (7, 12):
        building.one[number].config = ("switchport access vlan 30", "shutdown")
    said = building.run().stdout.splitlines()
    assert [line[:24].strip() for line in said] == [
        "warning  sw-b2-1 Gi1/0/7", "warning  sw-b2-1 Gi1/0/1", "→ `provision ap", "", "48 ports of 2 switches c",
    ]  # fmt: skip


def test_ports_that_nobody_is_to_be_told_of(building: Building) -> None:
    building.one[15].up(macs=((1, "02:00:5e:99:00:01"),))
    assert "unknown port" in json.dumps(json.loads(building.run("--output", "json").stdout)["findings"])
    network = building.folder / "network.yml"
    ignore = f"  lines:\n    ignore: {{{ONE}: [gigabitethernet1/0/15]}}\n"
    text = network.read_text(encoding="utf-8")
    network.write_text(text.replace("  voice_vlan: voice", f"{ignore}  voice_vlan: voice"), encoding="utf-8")
    assert building.run().exit_code == 0


def test_a_port_that_the_switch_does_not_have_is_said(building: Building) -> None:
    del building.one.ports["GigabitEthernet1/0/7"]
    assert "there is no port GigabitEthernet1/0/7, which an outlet of the site names" in building.run().stdout


def test_a_restart_is_said_once_and_counts_from_zero(building: Building) -> None:
    building.hour()
    building.run()
    building.hour()
    for port in building.one.ports.values():
        port.counters = dict.fromkeys(port.counters, 0)
    said = building.run().stdout
    assert re.search(r"sw-b2-1: counters of \d ports went back \(restarted, or cleared\); counted from zero", said)
    building.hour()
    assert "went back" not in building.run().stdout


def test_an_unused_desk_is_a_remark_and_no_alarm(building: Building) -> None:
    building.one[7].status = "notconnect"
    building.one[7].macs = ()
    building.run()
    building.hour(31 * 24)
    result = building.run()
    assert (
        "remark   sw-b2-1 Gi1/0/7 (desk B-203-2, WS-0032): is set up, but without a link since 2026-11-23"
        in result.stdout
    )
    assert result.exit_code == 0


def test_many_switches_are_asked_at_once(
    building: Building,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    inventory = building.site().inventory
    example = inventory.network.switches[ONE]
    switches = {f"sw-{i}": FakeSwitch(f"sw-{i}", 48) for i in range(20)}
    for switch in switches.values():
        switch.delay = 0.4
    monkeypatch.setitem(OPENERS, "switch", lambda target, *rest: switches[target[7:]].open(target, *rest))
    named = {**inventory.network.switches, **dict.fromkeys(switches, example)}
    network = inventory.network.model_copy(update={"switches": named})
    site = Site(inventory.model_copy(update={"network": network, "ledger": tmp_path / "many.sqlite"}))
    begun = time.monotonic()
    report = site.lines(*switches)
    seconds = time.monotonic() - begun
    site.ledger.close()
    assert sum(len(switch.ports) for switch in report.switches) == 960
    assert report.is_whole
    assert all(len(switch.asked) == 1 for switch in switches.values())
    assert seconds < 0.4 * len(switches) * 0.8, "one after the other takes 8 s and more"
