"""Runs of a size for pages: with changes of real kinds, proofs, and events at times of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioning.ledger import ChangeRecord, Event, RequestRecord, RunRecord
from provisioning.ledger.records import Approval
from provisioning.reports.document import of_run
from provisioning.reports.run_page import render
from provisioning.reports.run_report import Course
from provisioning.reports.texts import Texts
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.user import User
from provisioning.resources.switch.port import SwitchPort
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.site.help_desk import Language


def at(seconds: float) -> str:
    """So many seconds after the run began."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours + 8, 24)
    return f"2026-11-{23 + days:02}T{hours:02}:{minutes:02}:{rest:06.3f}+00:00"


def change(number: int, target: str, state: Any = "verified", key: str = "x", error: str | None = None) -> ChangeRecord:
    """One change of the kind that its target has."""
    made: Change[State]
    if target.startswith("switch:"):
        before, after = SwitchPort(access_vlan=1, description="old"), SwitchPort(access_vlan=20, description="desk")
        made = Change(Address("switch.port", target, f"GigabitEthernet1/0/{number}"), before, after)
    elif target.startswith("windows:"):
        made = Change(Address("windows.package", target, f"{key} {number}"), None, InstalledPackage(version="4.2.0"))
    else:
        made = Change(Address("directory.user", target, key), None, User(given_name="Анна", enabled=True))
    return ChangeRecord(number, made, state, state != "planned", error)


def event(number: int, change_id: int | None, state: str, seconds: float, who: str = "anna") -> Event:
    return Event(7, number, change_id, None, state, None, at(seconds), who, "h")


def course_of(changes: Sequence[ChangeRecord], events: Sequence[Event], **words: Any) -> Course:
    """A run with these changes and this history."""
    proofs = words.pop("proofs", (proof("directory", 5.0),))
    record = RunRecord(
        7, words.pop("title", "onboard E1042"), {"procedure": "onboard"}, "anna", words.pop("state", "done"), at(0),
        at(9), None, tuple(changes), tuple(proofs), words.pop("request_id", None),
    )  # fmt: skip
    return Course(record, tuple(events), **words)


def proof(target: str, seconds: float, *, passed: bool = True, name: str = "anna.petrova signs in") -> dict[str, Any]:
    return {
        "name": name, "kind": "directory.sign_in", "target": target, "parameters": {"login": "anna.petrova"},
        "passed": passed, "detail": "signed in after 0.2 s", "at": at(seconds),
    }  # fmt: skip


def request(reason: str = "as agreed") -> RequestRecord:
    word = Approval(3, "security", "hannah.brandt", "approved", reason, at(1))
    return RequestRecord(
        3, "onboard E1042", {}, "jörg", "running", at(0), at(0), ("security",), None, at(1), None, (word,), (7,)
    )


def usual() -> Course:
    """A run as they are: three systems, one failure, a pause of an hour, an approval."""
    changes = [
        change(1, "directory", key="anna.petrova"), change(12, "switch:sw-b2-1"),
        change(3, "windows:WS-0042", key="CRM"),
        change(4, "windows:WS-0042", "failed", "Tool", "windows:WS-0042: the installer ended with 1603"),
    ]  # fmt: skip
    events = [
        event(1, None, "running", 0), event(2, 1, "attempted", 0.5), event(3, 1, "verified", 1.5),
        event(4, 12, "attempted", 1.6), event(5, 3, "attempted", 1.6), event(6, 12, "verified", 2.4),
        event(7, 3, "deferred", 3.0), event(8, None, "waiting", 3.1), event(9, 3, "attempted", 3700.0, "jörg"),
        event(10, 4, "attempted", 3700.0), event(11, 3, "verified", 3708.0), event(12, 4, "failed", 3708.0),
        event(13, None, "partial", 3709.0),
    ]  # fmt: skip
    proofs = (proof("directory", 3708.2), proof("windows:WS-0042", 3708.6, passed=False, name="CRM is there"))
    return course_of(changes, events, state="partial", proofs=proofs, request=request(), request_id=3)


def page_of(course: Course, language: Language = "en", **words: Any) -> str:
    """The page of a run."""
    return render(of_run(course.record, **words), Texts(language, "Europe/Berlin"), course)
