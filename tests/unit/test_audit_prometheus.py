"""The numbers of an audit as the node exporter reads them: strictly by the text format 0.0.4."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioning.api.audit_report import AuditReport
from provisioning.errors import RequestError, SiteError
from provisioning.procedures.audit import AREAS, Finding, Unread
from provisioning.reports.prometheus import exposition, write
from provisioning.resources.base import Address
from provisioning.site.load import load
from provisioning.site.workers import Workers
from tests.unit.cli_office import write_site

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_VALUE = r'"(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})\{{((?:{_NAME}={_VALUE})(?:,{_NAME}={_VALUE})*)\}} (-?[0-9]+(?:\.[0-9]+)?)")
_LABEL = re.compile(rf"({_NAME})=({_VALUE})")

REPORT = AuditReport(
    'a"b\\c\nd', datetime(2026, 12, 1, 12, 0, 0, 500000, tzinfo=UTC), AREAS,
    (
        Finding("ports", "drift", "p", "warning", "x", address=Address("switch.port", "switch:a", "1")),
        Finding("ports", "drift", "q", "warning", "x"),
        Finding("directory", "account without person", "r", "fault", "x"),
    ),
    (Unread("windows:A", ("software", "settings"), "off"),), (), {"people": 3}, 1.25,
)  # fmt: skip


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples of an exposition, or a failed assertion: HELP, TYPE, then samples of that one name, none twice."""
    assert text.endswith("\n")
    assert "\r" not in text
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    described: list[str] = []
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in described, "one block a metric"
            described.append(name)
            assert lines[number + 1] == f"# TYPE {name} gauge"
        elif not line.startswith("# TYPE "):
            whole = _SAMPLE.fullmatch(line)
            assert whole, line
            assert whole[1] == described[-1]
            labels = frozenset((name, value[1:-1]) for name, value in _LABEL.findall(whole[2]))
            assert (whole[1], labels) not in found
            found[whole[1], labels] = float(whole[3])
    return found


def test_every_area_and_severity_has_its_number() -> None:
    samples = parsed(exposition(REPORT.to_document()))
    site = ("site", r"a\"b\\c\nd")
    findings = {labels: value for (name, labels), value in samples.items() if name == "provisioning_audit_findings"}
    assert len(findings) == len(AREAS) * 3
    assert findings[frozenset({site, ("area", "ports"), ("severity", "warning")})] == 2
    assert findings[frozenset({site, ("area", "directory"), ("severity", "fault")})] == 1
    assert sum(findings.values()) == 3
    named = {(name, dict(labels).get("area", "")): value for (name, labels), value in samples.items()}
    assert named["provisioning_audit_repairable", "ports"] == 1
    assert named["provisioning_audit_unread", "software"] == 1
    assert named["provisioning_audit_unread", "ports"] == 0
    assert named["provisioning_audit_last_run_timestamp_seconds", ""] == 1796126400
    assert named["provisioning_audit_duration_seconds", ""] == 1.25
    assert samples["provisioning_audit_looked_at", frozenset({site, ("what", "people")})] == 3


def test_the_reader_of_prometheus_itself_understands_it() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    families = {
        family.name: family for family in parser.text_string_to_metric_families(exposition(REPORT.to_document()))
    }
    assert len(families) == 6
    [sample] = families["provisioning_audit_duration_seconds"].samples
    assert (sample.labels, sample.value) == ({"site": 'a"b\\c\nd'}, 1.25)


def test_the_file_appears_whole_and_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "audit.prom"
    file.write_text("old")
    write(file, REPORT.to_document())
    assert parsed(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [file], "nothing is left beside it"


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "audit.prom").mkdir()
    with pytest.raises(RequestError, match="could not be written: Is a directory"):
        write(tmp_path / "audit.prom", REPORT.to_document())
    assert [path.name for path in tmp_path.iterdir()] == ["audit.prom"]
    with pytest.raises(RequestError, match="could not be written: No such file"):
        write(tmp_path / "gone" / "audit.prom", REPORT.to_document())


def test_the_site_says_where_the_numbers_go(tmp_path: Path) -> None:
    folder = write_site(tmp_path)
    (folder / "workers.yml").write_text("workers: {audit: 24 h, audit_prometheus: numbers.txt}\n", encoding="utf-8")
    with pytest.raises(SiteError, match=r"workers.yml:1: .*expected a file name that ends in \.prom"):
        load(folder)
    (folder / "workers.yml").write_text("workers: {audit: 24 h, audit_prometheus: numbers.prom}\n", encoding="utf-8")
    assert load(folder).workers.audit_prometheus == folder / "numbers.prom"
    assert Workers().audit_prometheus is None
