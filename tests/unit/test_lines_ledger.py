"""Samples of lines in the ledger, on both databases: kept, read, thinned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from provisioning.ledger import moment
from provisioning.ledger.export import TABLES
from provisioning.ledger.line_samples import SWITCH, LineSample, to_drop
from tests.unit.conftest import Place

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_samples_are_kept_and_read(place: Place) -> None:
    ledger = place.open()
    for hours in (2, 1, 0):
        at = NOW - hours * HOUR
        ledger.keep_line_samples("sw-a", at, {SWITCH: {}, "Gi1": {"crc": hours}, "Gi2": {"name": "bad\0\ud800"}})
    ledger.keep_line_samples("sw-b", NOW, {SWITCH: {}, "Gi1": {"crc": 99}})
    times = ledger.line_sample_times("sw-a")
    assert times == [moment(NOW - hours * HOUR) for hours in (2, 1, 0)]
    assert ledger.line_sample_times("sw-a", since=NOW - HOUR) == times[1:]
    assert ledger.line_samples("sw-a", times[1:], ["Gi1"]) == {
        "Gi1": [LineSample(times[1], {"crc": 1}), LineSample(times[2], {"crc": 0})]
    }
    assert ledger.line_samples("sw-a", times[:1], ["Gi2", "Gi3"]) == {"Gi2": [LineSample(times[0], {"name": "bad�?"})]}
    assert ledger.line_samples("sw-c", times, ["Gi1"]) == {}


def test_samples_are_no_part_of_an_export() -> None:
    """They are many and say nothing of what was changed."""
    assert "runs" in TABLES
    assert "line_samples" not in TABLES


def test_old_samples_are_thinned_and_removed(place: Place) -> None:
    ledger = place.open()
    for hours in range(0, 24 * 8, 2):
        ledger.keep_line_samples("sw-a", NOW - hours * HOUR, {SWITCH: {}, "Gi1": {}})
    ledger.keep_line_samples("sw-b", NOW - 7 * DAY, {SWITCH: {}})
    removed = ledger.thin_line_samples("sw-a", NOW, whole=DAY, thinned=DAY, keep=5 * DAY)
    left = ledger.line_sample_times("sw-a")
    assert removed == 2 * (96 - len(left))
    assert left[0] >= moment(NOW - 5 * DAY)
    assert len([at for at in left if at >= moment(NOW - DAY)]) == 13
    assert len([at for at in left if at < moment(NOW - DAY)]) == 5
    assert ledger.thin_line_samples("sw-a", NOW, whole=DAY, thinned=DAY, keep=5 * DAY) == 0
    assert ledger.line_sample_times("sw-b") == [moment(NOW - 7 * DAY)]


@given(st.lists(st.integers(0, 60 * 24 * 20), unique=True, max_size=200))
def test_thinning_keeps_what_is_recent_and_one_in_each_span(minutes: list[int]) -> None:
    times = sorted(moment(NOW - timedelta(minutes=minute)) for minute in minutes)
    dropped = set(to_drop(times, NOW, whole=2 * DAY, thinned=DAY, keep=10 * DAY))
    left = [datetime.fromisoformat(text) for text in times if text not in dropped]
    assert all(at >= NOW - 10 * DAY for at in left)
    old = [int(at.timestamp() // DAY.total_seconds()) for at in left if at < NOW - 2 * DAY]
    assert len(old) == len(set(old))
    recent = [text for text in times if datetime.fromisoformat(text) >= NOW - 2 * DAY]
    assert not dropped & set(recent)
    spans = {
        int(datetime.fromisoformat(text).timestamp() // DAY.total_seconds())
        for text in times
        if NOW - 10 * DAY <= datetime.fromisoformat(text) < NOW - 2 * DAY
    }
    assert spans == set(old)
