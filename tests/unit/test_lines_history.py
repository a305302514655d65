"""What is counted between samples, what is remembered, what is read of switches' words, and the numbers for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning import dialects
from provisioning.api.line_report import BUCKETS, history, spread
from provisioning.procedures.line_history import (
    FORGET,
    Known,
    Seen,
    count_words,
    flaps,
    growth,
    hours_words,
    rate_words,
    remember,
    seen,
    since,
    speed_words,
)
from provisioning.resources.switch.counters import COUNTERS, TABLES, Line, lines_of
from provisioning.resources.switch.line_words import (
    capability,
    duplex_of,
    mau_duplex,
    megabits,
    named_capability,
    number,
    status_of,
)

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def at(hours: float, **words: Any) -> Seen:
    counters = {name: words.pop(name) for name in list(words) if name in COUNTERS}
    when = START + timedelta(hours=hours)
    return Seen(when, words.pop("status", "up"), words.pop("since", when), counters=counters, **words)


def test_a_check_without_counters_does_not_count_everything_since_the_device_was_started() -> None:
    """The device refused the table once: what it shows next was not all counted in an hour."""
    samples = [at(0, crc=500, in_packets=1_000_000), at(1), at(2, crc=501, in_packets=1_000_900)]
    kept = [Seen.from_plain(sample.at.isoformat(), sample.to_plain()) for sample in samples]
    grown = growth(kept)
    assert (grown["crc"], grown["in_packets"], grown.hours, grown.restarted) == (1, 900, 2.0, None)
    assert not growth(kept[1:]).hours


def test_frames_of_both_directions_together_are_what_errors_are_compared_with() -> None:
    grown = growth([at(0, packets=0, in_errors=0), at(1, packets=1_000_000, in_errors=50)])
    assert grown.per_million(50, "in_packets") == 50


def test_growth_is_the_sum_of_the_rises() -> None:
    grown = growth([at(0, crc=5, in_packets=100), at(1, crc=7, in_packets=300), at(3, crc=7, in_packets=1100)])
    assert (grown.hours, grown["crc"], grown["in_packets"], grown.restarted) == (3, 2, 1000, None)
    assert grown.hourly("crc") == pytest.approx(2 / 3)
    assert grown.per_million(grown["crc"], "in_packets") == 2000


def test_counters_that_went_back_are_counted_from_zero() -> None:
    grown = growth([at(0, crc=500, in_packets=9000), at(1, crc=3, in_packets=40), at(2, crc=4, in_packets=50)])
    assert (grown["crc"], grown["in_packets"], grown.restarted) == (4, 50, START + timedelta(hours=1))


def test_one_counter_that_went_back_resets_all_of_that_time() -> None:
    assert growth([at(0, crc=5, in_packets=100), at(1, crc=6, in_packets=10)])["crc"] == 6


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=8))
def test_growth_is_never_negative_and_never_more_than_was_shown(values: list[int]) -> None:
    grown = growth([at(i, in_packets=value) for i, value in enumerate(values)])
    assert 0 <= grown["in_packets"] <= sum(values)
    if values == sorted(values):
        assert grown["in_packets"] == values[-1] - values[0]
        assert grown.restarted is None


def test_no_time_and_no_packets_divide_nothing() -> None:
    assert growth([]).hourly("crc") == 0
    assert growth([at(0, crc=9)])["crc"] == 0
    grown = growth([at(0, crc=0), at(1, crc=9)])
    assert grown.per_million(9, "in_packets") == 1e6
    assert grown.per_million(0, "in_packets") == 0


def test_since_keeps_one_sample_before_the_start() -> None:
    samples = [at(0), at(1), at(2), at(3)]
    assert since(samples, START + timedelta(hours=1.5)) == samples[1:]
    assert since(samples, START - timedelta(days=1)) == samples
    assert since(samples, START + timedelta(days=1)) == samples[-1:]


def test_flaps_are_what_the_device_counted_or_what_was_seen() -> None:
    assert flaps([at(0, transitions=10, changes=1), at(1, transitions=16, changes=2)]) == 6
    assert flaps([at(0, changes=1), at(1, changes=4)]) == 3
    assert flaps([at(0, transitions=10), at(1, transitions=2)]) == 2
    assert flaps([at(0)]) == 0


def test_a_sample_survives_the_ledger() -> None:
    known = {"errors": Known(START, START + timedelta(hours=1), told=True), "flaps": Known(START, START)}
    one = at(
        2, status="error", since=START, speed=100, duplex="half", fastest=1000, changes=3, macs=("02:00:5e:10:00:42",),
        found=known, **dict.fromkeys(COUNTERS, 7),
    )  # fmt: skip
    assert Seen.from_plain(one.at.isoformat(), one.to_plain()) == one


def test_what_is_nothing_takes_no_room() -> None:
    assert set(at(0, crc=0, changes=0).to_plain()) == {"status", "since"}


def test_a_link_keeps_the_time_when_it_came() -> None:
    first = seen(Line("p", "down"), START, None)
    later = seen(Line("p", "down"), START + timedelta(hours=1), first)
    up = seen(Line("p", "up", speed=1000), START + timedelta(hours=2), later)
    slow = seen(Line("p", "up", speed=100), START + timedelta(hours=3), up)
    assert (later.since, later.changes) == (START, 0)
    assert (up.since, up.changes, up.fastest) == (START + timedelta(hours=2), 1, 1000)
    assert (slow.since, slow.changes, slow.fastest) == (up.since, 1, 1000)


def test_what_was_found_is_new_until_somebody_was_told() -> None:
    looked, new = remember(at(0), ["errors"], tell=False)
    assert new == {"errors"}
    again, new = remember(at(1, found=looked.found), ["errors", "flaps"], tell=True)
    assert new == {"errors", "flaps"}
    assert again.found["errors"].since == START
    last, new = remember(at(2, found=again.found), ["errors"], tell=True)
    assert not new
    assert last.found["flaps"].told


def test_what_comes_back_within_a_day_is_nothing_new() -> None:
    told, _ = remember(at(0), ["errors"], tell=True)
    gone, _ = remember(at(1, found=told.found), [], tell=True)
    assert not remember(at(20, found=gone.found), ["errors"], tell=True)[1]
    after = FORGET.total_seconds() / 3600 + 1
    assert remember(at(after, found=gone.found), ["errors"], tell=True)[1] == {"errors"}


def test_history_spreads_what_was_counted_over_the_time_it_took() -> None:
    end = START + timedelta(days=7)
    drawn = history("sw", "p", [at(0, crc=0), at(84, crc=84), at(168, crc=84, status="down")], START, end)
    assert len(drawn.errors) == BUCKETS
    assert drawn.errors[0] == 1.0
    assert drawn.errors[-1] == 0
    assert (drawn.up[0], drawn.up[10], drawn.up[40], drawn.up[-1]) == (1, 1, None, 0)
    assert drawn.worst == 1.0
    empty = history("sw", "p", [at(160, crc=5)], START, end)
    assert set(empty.errors) == {None}


@given(st.integers(0, 300), st.integers(2, 60))
def test_spread_is_bounded_and_keeps_both_ends(number: int, most: int) -> None:
    times = [f"{i:04}" for i in range(number)]
    chosen = spread(times, most)
    assert len(chosen) == min(number, most)
    assert list(chosen) == sorted(set(chosen))
    if number > 1:
        assert (chosen[0], chosen[-1]) == (times[0], times[-1])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a-1000", 1000), ("1000", 1000), ("1000Mb/s", 1000), ("1Gb/s", 1000), ("10G", 10_000), ("a-10G", 10_000),
        ("a-2.5G", 2500), ("100Mbps", 100), ("10Gbps", 10_000), ("100 Mb/s", 100), ("auto", None), ("", None),
        ("Auto-speed", None),
    ],
)  # fmt: skip
def test_speeds(text: str, value: int | None) -> None:
    assert megabits(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10/100/1000BaseTX", 1000), ("10/100BaseTX", 100), ("1000BaseSX SFP", 1000), ("SFP-10GBase-SR", 10_000),
        ("100/1000/2.5G/5G/10GBaseTX", 10_000), ("1000BASE-T", 1000), ("10GBASE-LR", 10_000),
        ("1000baseT(FD) 100base-TX(FD) 10base-T(HD)", 1000), ("100/1000T", 1000), ("1GbT", 1000),
        ("2.5GbT", 2500), ("Not Present", None), ("SFP+SR", None), ("", None),
    ],
)  # fmt: skip
def test_capabilities(text: str, value: int | None) -> None:
    assert capability(text) == value


@pytest.mark.parametrize(
    ("port", "value"),
    [
        ("GigabitEthernet1/0/7", 1000), ("TenGigabitEthernet1/1/1", 10_000), ("FastEthernet0/1", 100),
        ("XGigabitEthernet0/0/1", 10_000), ("ge-0/0/7", 1000), ("xe-0/1/0", 10_000), ("TwoGigabitEthernet1/0/1", 2500),
        ("TwentyFiveGigE1/0/1", 25_000), ("HundredGigE1/0/1", 100_000), ("Ethernet1/7", None), ("7", None),
    ],
)  # fmt: skip
def test_what_a_name_promises(port: str, value: int | None) -> None:
    assert named_capability(port) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("connected", "up"), ("Up", "up"), ("notconnect", "down"), ("inactive", "down"), ("disabled", "off"),
        ("administratively down", "off"), ("err-disabled", "error"), ("errdisabled", "error"), ("", "down"),
    ],
)  # fmt: skip
def test_link_states(text: str, value: str) -> None:
    assert status_of(text) == value


def test_other_words() -> None:
    assert [duplex_of(text) for text in ("a-full", "Half", "auto", "", "HDx")] == ["full", "half", None, None, "half"]
    assert [mau_duplex(text) for text in ("30", "15", "999", "")] == ["full", "half", None, None]
    assert [number(text) for text in ("12", "1,234", "-", "", "٣")] == [12, 1234, None, None, None]


def test_numbers_for_people() -> None:
    assert [count_words(n) for n in (0, 9999, 12_345, 3_400_000)] == ["0", "9,999", "12 thousand", "3.4 million"]
    assert [hours_words(h) for h in (0.01, 0.5, 1, 1.54, 24, 168)] == [
        "1 min",
        "30 min",
        "1 h",
        "1.5 h",
        "24 h",
        "7 days",
    ]
    assert [rate_words(r) for r in (0.123, 9.87, 1234.5)] == [
        "0.12 per million",
        "9.9 per million",
        "1,234 per million",
    ]
    assert [rate_words(r) for r in (44_763, 852_619, 1e6)] == ["4.5 %", "85 %", "100 %"]
    assert [speed_words(s) for s in (100, 1000, 2500, 10_000)] == [
        "100 Mbit/s",
        "1000 Mbit/s",
        "2.5 Gbit/s",
        "10 Gbit/s",
    ]


TABLE_CASES = Path(__file__).parent.parent / "cases" / "tables"


@pytest.mark.parametrize("family", dialects.NAMES)
def test_every_family_of_switches_tells_of_its_lines(family: str) -> None:
    dialect = dialects.load(family)
    texts = {table: TABLE_CASES / family / f"{table}.txt" for table in TABLES if table in dialect.tables}
    rows = {
        table: dialect.rows(table, text.read_text(encoding="utf-8")) for table, text in texts.items() if text.exists()
    }
    lines = lines_of(rows, dialect.short_name)
    assert {"links", "counters", "macs"} <= rows.keys()
    assert any(line.status == "up" for line in lines.values())
    frames = [
        int(row.get("in_packets") or row.get("packets") or 0) for row in rows["counters"] if row["in_errors"] != "0"
    ]
    assert any(frames), "a check has nothing to count"
    assert all(line.counters.keys() <= set(COUNTERS) for line in lines.values())


def test_what_a_port_carries_is_told_by_its_configuration_where_links_do_not() -> None:
    links = [{"port": name, "status": "connected"} for name in ("1", "2", "3")]
    macs = [{"port": name, "mac": "02:00:5e:10:00:42", "vlan": "20"} for name in ("1", "2", "3")]
    lines = lines_of({"links": links, "macs": macs}, configured={"1": "20", "2": "trunk"})
    assert [(line.carries, line.is_access, len(line.macs)) for line in lines.values()] == [
        ("20", True, 1), ("trunk", False, 0), ("", True, 1),
    ]  # fmt: skip
