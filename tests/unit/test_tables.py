"""Tables of `show` commands: every case in tests/cases/tables, log lines in between, lines that nobody knows."""

from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provisioning import dialects
from provisioning.dialects import table_readers
from provisioning.dialects.model import Dialect
from provisioning.dialects.tables import Table, mac_address, without_log_lines

CASES = sorted((Path(__file__).parent.parent / "cases" / "tables").glob("*/*.txt"))
MACS = Table.model_validate(
    {
        "command": "show mac address-table",
        "ntc": {"platform": "cisco_ios", "command": "show mac-address-table"},
        "columns": {"vlan": "vlan_id", "mac": "destination_address", "port": "destination_port"},
    }
)
HEADING = "Vlan    Mac Address       Type        Ports\n----    -----------       --------    -----\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_case(case: Path) -> None:
    expected = json.loads(case.with_suffix(".json").read_text())
    reading = dialects.load(case.parent.name).tables[case.stem].read(case.read_text())
    assert [dict(row) for row in reading.rows] == expected["rows"]
    assert list(reading.unknown) == expected["unknown"]


@pytest.mark.parametrize("name", dialects.NAMES)
def test_every_table_has_a_template_with_its_columns_and_a_case(name: str) -> None:
    for table, one in dialects.load(name).tables.items():
        assert one.read("").rows == ()  # a column that the template does not have raises
        if table != "gateway":
            assert any(case.parent.name == name and case.stem == table for case in CASES), f"{name} {table}"


@pytest.mark.parametrize(
    "text",
    ["0200.5e10.0042", "02-00-5E-10-00-42", "02:00:5e:10:00:42", "0200:5e10:0042", "02005e-100042", "0200-5e10-0042",
     "02005E100042", " 02 00 5e 10 00 42 "],
)  # fmt: skip
def test_mac_addresses_of_all_vendors(text: str) -> None:
    assert mac_address(text) == "02:00:5e:10:00:42"


@pytest.mark.parametrize("text", ["", "0200.5e10.004", "0200.5e10.00421", "0200.5e10.004g", "WS-0042", "10.20.30.11"])
def test_other_texts_are_no_mac_address(text: str) -> None:
    assert mac_address(text) is None


@pytest.mark.parametrize(
    "line",
    [
        "%LINK-3-UPDOWN: Interface GigabitEthernet1/0/7, changed state to up",
        "*Nov 23 05:24:06.123: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/7, changed state to up",
        "Nov 23 05:24:06.123 CET: %SW_MATM-4-MACFLAP_NOTIF: Host 0200.5e10.0042 in vlan 20 is flapping",
        "000871: *Nov 23 05:24:07.130: %LINEPROTO-5-UPDOWN: Line protocol on Interface Gi1/0/7, changed state to up",
        "1w2d: %SYS-5-CONFIG_I: Configured from console by vty0 (10.0.0.5)",
        "00:01:02: %SYS-5-RESTART: System restarted --",
        "2026 Nov 23 05:24:06 sw-n1 %ETHPORT-5-IF_UP: Interface Ethernet1/7 is up in mode access",
        "2026 Nov 23 05:24:06 sw-n1 %$ VDC-1 %$ %ETH_PORT_CHANNEL-5-PORT_UP: port-channel10: Ethernet1/49 is up",
        "Nov 23 05:24:06 sw-e1 Ebra: %LINEPROTO-5-UPDOWN: Line protocol on Interface Ethernet7, changed state to up",
        "Nov 23 2026 05:24:06+00:00 sw-h1 %%01IFPDT/4/IF_STATE(l)[12]:Interface GE0/0/7 has turned into UP state",
        "#Nov 23 2026 05:24:06 sw-h1 IFNET/4/IF_STATE:OID 1.3.6.1.4.1.2011.5.25 Interface 7 turned into UP state.",
        "2026-11-23T05:24:06.123456+00:00 sw-x1 intfd[2412]: Event|403|LOG_INFO|AMM|1/1|Link status for 1/1/7 is up",
        "<165>1 2026-11-23T05:24:06.12+00:00 OS10 dn_ifm 901 - - Node.1-Unit.1:PRI [event] %IFM_OSTATE_UP: is up",
    ],
)
def test_log_lines_are_taken_out(line: str) -> None:
    assert without_log_lines(f"before\n{line}\nbehind") == ["before", "behind"]


@pytest.mark.parametrize(
    "line",
    [
        "Gi1/0/7   %LINK-3-UPDOWN: x  connected    20         a-full a-1000 10/100/1000BaseTX",
        "Gi1/0/7   12:00:00 %AAA-1-B: connected    20         a-full a-1000 10/100/1000BaseTX",
        "  20    0200.5e10.0042    DYNAMIC     Gi1/0/7",
        "1020    0200.5e10.0042    DYNAMIC     Gi1/0/7",
        "System Name: %LINK-3-UPDOWN",
        "100% of it",
    ],
)
def test_rows_that_imitate_log_lines_stay(line: str) -> None:
    assert without_log_lines(line) == [line]


def test_lines_that_nobody_knows_are_told_and_the_others_kept(caplog: pytest.LogCaptureFixture) -> None:
    one, other = "  20    0200.5e10.0042    DYNAMIC     Gi1/0/7", "  20    0200.5e10.0077    DYNAMIC     Gi2/0/9"
    output = f"{HEADING}{one}\nwhat is this\n{other}"
    reading = MACS.read(output)
    assert [row["port"] for row in reading.rows] == ["Gi1/0/7", "Gi2/0/9"]
    assert reading.unknown == ("what is this",)
    with caplog.at_level(logging.WARNING, logger="provisioning.dialects.tables"):
        assert len(MACS.rows(output)) == 2
    assert "what is this" in caplog.text


LOG = "*Nov 23 05:24:06.123: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/24, changed state to down"


@pytest.mark.parametrize("case", [case for case in CASES if case.parent.name in dialects.NAMES], ids=str)
def test_log_lines_between_all_lines_change_nothing(case: Path) -> None:
    table, text = dialects.load(case.parent.name).tables[case.stem], case.read_text()
    assert table.read(text.replace("\n", f"\n{LOG}\n{LOG}\n")) == table.read(text)


@pytest.mark.parametrize("name", ["links", "macs", "arp"])
def test_a_line_that_a_log_message_broke_is_put_together_again(name: str) -> None:
    """Wherever it is broken: a row is as it was, or it is told. It never says something else."""
    table = dialects.load("ios").tables[name]
    case = next(case for case in CASES if (case.parent.name, case.stem) == ("ios", name))
    lines = without_log_lines(case.read_text())
    whole = table.read("\n".join(lines))
    rows, same = {_essence(row) for row in whole.rows}, 0
    for number, line in enumerate(lines):
        for at in range(1, len(line.rstrip())):
            broken = [*lines[:number], f"{line[:at]}\n{LOG}\n{line[at:]}", *lines[number + 1 :]]
            reading = table.read("\n".join(broken))
            same += reading == whole
            if len(reading.unknown) == len(whole.unknown):
                assert {_essence(row) for row in reading.rows} == rows, "\n".join(broken)
    assert same > 0.9 * sum(len(line.rstrip()) - 1 for line in lines if line.strip())


def _essence(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row.get(column, "") for column in ("port", "status", "vlan", "mac", "address"))


def test_a_port_description_cannot_pass_for_columns() -> None:
    """A trunk described as ``connected 20 a b`` would otherwise read as an access port in VLAN 20."""
    links = dialects.load("ios").tables["links"]
    heading = "Port      Name               Status       Vlan       Duplex  Speed Type\n"
    reading = links.read(
        f"{heading}Gi1/0/30  connected 20 a b   connected    trunk      a-full a-1000 10/100/1000BaseTX"
    )
    assert reading.rows == ()
    assert len(reading.unknown) == 1


def test_control_characters_make_no_lines() -> None:
    text = "Local Intf: Gi1/0/1\nSystem Name: evil\x0bLocal Intf: Gi1/0/2\x85Local Intf: Gi1/0/3\u2028x\n"
    text += "Chassis id: 0200.5e10.0042\n\nTotal entries displayed: 1\n"
    rows = dialects.load("ios").tables["neighbours"].rows(text)
    assert [row["port"] for row in rows] == ["Gi1/0/1"]
    assert rows[0]["name"] == "evil?Local Intf: Gi1/0/2?Local Intf: Gi1/0/3?x"


def test_very_long_lines_do_not_take_long() -> None:
    begun = time.monotonic()
    for name in dialects.NAMES:
        for table in dialects.load(name).tables.values():
            for piece in (" ", "a ", "1 ", "connected "):
                table.read("Port " + piece * 100_000)
    assert time.monotonic() - begun < 20


def test_a_table_that_does_not_fit_its_template_is_refused() -> None:
    wrong = MACS.model_copy(update={"columns": {"vlan": "vlan_idd"}})
    with pytest.raises(ValueError, match="has no column vlan_idd; it has destination_address"):
        wrong.read("")
    nameless = MACS.model_dump() | {"ntc": {"platform": "cisco_ios", "command": "show nothing"}}
    with pytest.raises(ValueError, match=r"ntc-templates has no cisco_ios_show_nothing\.textfsm"):
        Table.model_validate(nameless).read("")
    with pytest.raises(ValueError, match="give either ntc or textfsm"):
        Table.model_validate(MACS.model_dump() | {"textfsm": "Value A (.)\n\nStart\n"})
    with pytest.raises(ValueError, match="the template is wrong"):
        Table(command="show x", textfsm="Start\n  ^x -> Nowhere\n", columns={}).read("x")


def test_speeds_and_duplex_have_one_form() -> None:
    template = "Value A (.*)\n\nStart\n  ^${A}$$ -> Record\n"
    table = Table(command="show x", textfsm=template, columns={"speed": "a", "duplex": "a"})
    said = {
        "a-1000": "1000", "10G": "10000", "a-2.5G": "2500", "100M": "100", "1000 Mb/s": "1000", "1Gb/s": "1000",
        "auto": "", "--": "", "0": "", "10GigFD": "10000", "1000mbps": "1000", "20Gbps": "20000",
    }  # fmt: skip
    assert {text: table.rows(text)[0]["speed"] for text in said} == said
    duplex = {"a-full": "full", "Half-duplex": "half", "1000FDx": "full", "100HDx": "half", "auto": "", "FULL": "full"}
    assert {text: table.rows(text)[0]["duplex"] for text in duplex} == duplex


def test_a_template_is_made_once_and_used_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real: Any = table_readers._Template.__init__

    def counted(self: Any, file: Any) -> None:
        made.append("template")
        real(self, file)

    monkeypatch.setattr(table_readers._Template, "__init__", counted)
    monkeypatch.setattr(table_readers, "_made", functools.cache(table_readers.Reader))
    table = MACS.model_copy(update={"columns": dict(MACS.columns)})
    texts = {n: f"  {n}    0200.5e10.{n:04}    DYNAMIC     Gi1/0/{n}" for n in range(1, 33)}
    with ThreadPoolExecutor(8) as workers:
        found = dict(zip(texts, workers.map(lambda text: table.rows(HEADING + text), texts.values()), strict=True))
    assert {n: [row["port"] for row in rows] for n, rows in found.items()} == {n: [f"Gi1/0/{n}"] for n in texts}
    assert made == ["template"]


def test_a_dialect_prepares_what_is_asked_before_a_change() -> None:
    table_readers._made.cache_clear()
    ios = Dialect.model_validate(dialects.load("ios").model_dump(exclude_unset=True))
    ios.prepare()
    made = table_readers._made.cache_info().misses
    assert made == 5
    for name in ("links", "neighbours", "macs", "arp", "gateway"):
        ios.rows(name, "")
    assert table_readers._made.cache_info().misses == made
