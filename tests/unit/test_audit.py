"""Judging a PC: what is installed and not approved, missing, outdated; and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site
from provisioning.api.audit_report import AuditReport
from provisioning.api.audit_sentences import Whose, on_pc
from provisioning.connections.openers import OPENERS
from provisioning.engine.events import Event, LockAwaited
from provisioning.engine.locks import FileLocks
from provisioning.errors import RequestError, UnreachableError
from provisioning.procedures.audit import AREAS, Unread
from provisioning.procedures.audit_pcs import PcFinding, judge_changes, judge_installed
from provisioning.procedures.line_places import Places
from provisioning.reports.audit import audit, sentence
from provisioning.resources.base import Address, Change, State
from provisioning.resources.windows.entries import Entry
from provisioning.resources.windows.package import InstalledPackage
from provisioning.resources.windows.printer import PrinterConnection
from provisioning.resources.windows.registry import RegistryKey, RegistryValue
from provisioning.resources.windows.restart import Restart
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.runs import Runs
from tests.unit.cli_office import EXAMPLE
from tests.unit.windows_session import FakePc

CODE = "{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E410}"
PC = "windows:WS-0042"


@pytest.fixture(scope="module")
def example() -> Inventory:
    site = load(EXAMPLE)
    fonts = site.software["office-fonts"].model_copy(update={"approved": False})
    rules = site.windows.model_copy(update={"tolerated": ("Microsoft Visual C++ *", "Tool [x64]", "Wha?")})
    return site.model_copy(update={"software": {**site.software, "office-fonts": fonts}, "windows": rules})


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Entry("Evil Toolbar", "6.6.6", "EvilToolbar"), PcFinding("not approved", "Evil Toolbar", "6.6.6")),
        (Entry("Bar", "1", "Bar", publisher="Evil"), PcFinding("not approved", "Bar", "1", "", "Evil")),
        (
            Entry("Corporate Fonts", "1.0.0", "F"),
            PcFinding("not approved", "Corporate Fonts", "1.0.0", "", "approved: false"),
        ),
        (
            Entry("Chat", "9", "Chat", person="S-1-5-21-1"),
            PcFinding("not approved", "Chat", "9", "", "for S-1-5-21-1 only"),
        ),
        (Entry("A part", "1", "P", hidden=True), None),
        (Entry("microsoft visual c++ 2022 (x64)", "14.38", "V"), None),
        (Entry("Tool [x64]", "1", "T"), None),
        (Entry("Tool x", "1", "T"), PcFinding("not approved", "Tool x", "1")),
        (Entry("What", "1", "T"), PcFinding("not approved", "What", "1")),
        (Entry("Halden Archive Tool", "23.1", "A"), None),
        (Entry("Kestrel Viewer 2.9", "2.9", "KestrelViewer"), None),
        (
            Entry("Kestrel Viewer 2.0", "2.0", "KestrelViewer"),
            PcFinding("outdated", "Kestrel Viewer 2.0", "2.0", ">=2.1,<3", package="Kestrel Viewer"),
        ),
        (
            Entry("Kestrel Viewer 3", "3", "KestrelViewer"),
            PcFinding("newer", "Kestrel Viewer 3", "3", ">=2.1,<3", package="Kestrel Viewer"),
        ),
        (
            Entry("Client CRM Meridian", "4.1.0", CODE),
            PcFinding("outdated", "Client CRM Meridian", "4.1.0", "4.2.0", package="Meridian CRM Client"),
        ),
    ],
)
def test_what_is_installed(example: Inventory, entry: Entry, expected: PcFinding | None) -> None:
    assert list(judge_installed(example, [entry], {})) == ([expected] if expected else [])


def test_packages_that_only_a_file_tells_of(example: Inventory) -> None:
    files = {"Halden Archive Tool": InstalledPackage(version="22.0.0.1")}
    assert list(judge_installed(example, [], files)) == [
        PcFinding("outdated", "Halden Archive Tool", "22.0.0.1", "23.1.0", package="Halden Archive Tool")
    ]


def test_what_a_plan_would_change() -> None:
    missing: Change[State] = Change(Address("windows.package", PC, "CRM"), None, InstalledPackage(version="4.2"))
    older = InstalledPackage(version="4.1")
    other: Change[State] = Change(missing.address, older, InstalledPackage(version="4.2"))
    restart = Address("windows.restart", PC, "restart")
    follows: Change[State] = Change(restart, Restart(pending=True), Restart(pending=False))
    assert list(judge_changes([missing, other], {})) == [
        PcFinding("missing", "CRM", "", "4.2", address=missing.address)
    ]
    assert list(judge_changes([follows], {restart: Restart(pending=False)})) == []
    assert list(judge_changes([follows], {restart: Restart(pending=True)})) == [
        PcFinding("restart due", "restart", "pending", "done", address=restart)
    ]


def test_settings_that_are_not_as_they_should_be() -> None:
    def key(**values: RegistryValue | None) -> RegistryKey:
        return RegistryKey(values=values)

    one, two = RegistryValue(type="REG_SZ", data="1"), RegistryValue(type="REG_MULTI_SZ", data=("a", "b"))
    address = Address("windows.registry", PC, "HKLM\\X")
    changes: list[Change[State]] = [
        Change(address, key(A=None), key(A=one)),
        Change(address, key(A=one), key(A=two)),
        Change(address, key(A=one, B=None), key(A=None, B=one)),
        Change(Address("windows.printer", PC, "\\\\print\\P"), None, PrinterConnection(provider="win32spl.dll")),
    ]
    assert list(judge_changes(changes, {})) == [
        PcFinding("drift", "HKLM\\X", "", "1", "A", "windows.registry", address),
        PcFinding("drift", "HKLM\\X", "1", "a; b", "A", "windows.registry", address),
        PcFinding("drift", "HKLM\\X", "", "", "A, B", "windows.registry", address),
        PcFinding("missing", "\\\\print\\P", kind="windows.printer", address=changes[3].address),
    ]


def test_how_it_is_said(example: Inventory) -> None:
    key = Address("windows.registry", PC, "HKLM\\X")
    found = [
        PcFinding("not approved", "Evil\x1b[2J", "6", "", "Publisher"),
        PcFinding("outdated", "CRM", "4.1", "4.2", package="CRM"),
        PcFinding("drift", "HKLM\\X", "", "1", "A", "windows.registry", key),
        PcFinding("drift", "HKLM\\X", "1", "", "A", "windows.registry", key),
        PcFinding("drift", "HKLM\\Y", detail="A, B", kind="windows.registry", address=key),
        PcFinding("missing", "\\\\print\\P", kind="windows.printer", address=key),
        PcFinding("missing", "CRM", "", "4.2.0", address=key),
    ]
    findings = list(on_pc("WS-0042", found, {}, Whose(example, {}, Places.of(example))))
    assert [finding.area for finding in findings] == ["software"] * 2 + ["settings"] * 4 + ["software"]
    report = AuditReport(
        "corp.example", datetime(2026, 12, 1, tzinfo=UTC), AREAS, tuple(findings),
        (Unread("windows:WS-2", ("software",), "it is off\x1b"),), ("sw: no MAC table",), {"PCs": 1},
    )  # fmt: skip
    assert audit(report.to_document()).plain.splitlines() == [
        "software: software on PCs, 3 warnings",
        "  warning  WS-0042: Evil\\x1b[2J 6 is not approved (Publisher)",
        "           → uninstall it, or write it into the software catalogue or windows: tolerated",
        "  warning  WS-0042: CRM 4.1 is outdated, expected 4.2",
        "           → `provision onboard PERSON --with PACKAGE` brings the catalogue's version, or uninstall it",
        "  warning  WS-0042: CRM is missing, expected 4.2.0  *",
        "",
        "settings: settings of PCs, 4 warnings",
        "  warning  WS-0042: registry key HKLM\\X: A is not there, expected 1  *",
        "  warning  WS-0042: registry key HKLM\\X: A is 1, expected not to be there  *",
        "  warning  WS-0042: registry key HKLM\\Y: not as it should be: A, B  *",
        "  warning  WS-0042: printer connection \\\\print\\P is missing  *",
        "",
        "! windows:WS-2 could not be judged (software): it is off\\x1b",
        "  sw: no MAC table",
        "`provision audit --repair` shows how to set the 5 with a * right, and asks.",
        "1 PC looked at: 7 warnings, 1 thing could not be judged. Nothing was changed.",
    ]
    assert sentence(report.to_document()).startswith("Audit: 1 PC looked at: 7 warnings, 1 thing could not be judged. ")
    assert "; and 2 more. Could not judge windows:WS-2. `provision audit` shows all." in sentence(report.to_document())


# -- a whole site ---------------------------------------------------------------------------------------------------


class Reachable(FakePc):
    """One PC that answers, without anybody's data."""

    def close(self) -> None:
        pass


def opener(folder: Path) -> Callable[[str, Inventory, Secrets], Any]:
    def opened(target: str, inventory: Inventory, _: Secrets) -> Any:
        if target != PC:
            raise UnreachableError(target, "it is off")
        pc = Reachable(inventory, folder)
        key = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
        pc.exported = {key: f'[{key}]\r\n\r\n[{key}\\Bar]\r\n"DisplayName"="Bar"\r\n\r\n'}
        return pc

    return opened


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for system in ("windows", "directory"):
        monkeypatch.setitem(OPENERS, system, opener(tmp_path))
    place = tmp_path / "ledger" / "l.sqlite"
    made = Site(load(EXAMPLE).model_copy(update={"ledger": place, "runs": Runs(lock_wait="1 s")}))
    yield made
    if "ledger" in vars(made):
        made.ledger.close()


def test_pcs_that_answer_and_pcs_that_do_not(site: Site, tmp_path: Path) -> None:
    report = site.audit("WS-0043", "WS-0042", "WS-0043", areas=["software"])
    assert [(one.what, one.reason) for one in report.unread] == [("windows:WS-0043", "it is off")]
    assert [note.split(" (")[0] for note in report.notes] == ["who has an account yet could not be told"]
    assert "WS-0042: Bar is not approved" in {finding.sentence for finding in report.findings}
    assert not report.is_clean
    assert not report.is_whole
    assert not (tmp_path / "ledger").exists(), "looking makes no ledger"


def test_a_site_without_pcs_has_nothing_to_audit(site: Site) -> None:
    without = Site(site.inventory.model_copy(update={"workstations": {}, "people": {}}))
    assert without.audit(areas=["software", "settings"]).is_clean


def test_an_unknown_pc_is_refused_before_anything_is_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPENERS, "windows", lambda *_: pytest.fail("a PC was asked"))
    with pytest.raises(RequestError, match="no person, PC, workplace, equipment or switch 'WS-42'; did you mean"):
        site.audit("WS-0042", "WS-42")


def test_a_pc_that_somebody_is_at_work_on_is_left_to_them(site: Site) -> None:
    assert site.ledger.folder is not None
    others = FileLocks(site.ledger.folder / "locks", "run 7")
    told: list[Event] = []
    with others.hold(PC, seconds=0):
        report = site.audit("WS-0042", areas=["software"], listener=told.append)
    [pc] = [one for one in report.unread if one.what == PC]
    assert pc.reason.startswith("run 7")
    assert pc.reason.endswith("is still at work on it after 1 s")
    assert [type(event) for event in told] == [LockAwaited]
    others.close()
    assert PC not in {one.what for one in site.audit("WS-0042", areas=["software"]).unread if "run 7" in one.reason}
