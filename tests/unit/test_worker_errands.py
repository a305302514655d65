"""What a worker's errands do with a site, and the lines that they are worth."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning import worker
from provisioning.api import Site
from provisioning.api.audit_report import AuditReport
from provisioning.cli.worker import told
from provisioning.engine.errands import Errand, Happening, PutOffError, due
from provisioning.engine.outbox import DESK, Delivered
from provisioning.engine.run import alone
from provisioning.errors import ProvisioningError, RejectedError, RequestError, UnreachableError
from provisioning.ledger import Entry
from provisioning.procedures.audit import AREAS, Finding, Unread
from provisioning.procedures.onboard import onboard
from provisioning.site.servicedesk import WebhookDesk
from provisioning.site.workers import Workers
from provisioning.worker import Errands, WorkersSite, engine_of
from tests.unit.requests_desk import Desk, desk  # noqa: F401  (a fixture)


@pytest.fixture
def site(desk: Desk) -> WorkersSite:  # noqa: F811
    """A worker's site; request 1 is due."""
    made = WorkersSite(desk.site.inventory)
    desk.opened.append(made)
    made.request(onboard("E1042"))
    return made


def run(site: Site, what: Errand | None = None, stop: threading.Event | None = None) -> str | None:
    return Errands(site)(what or Errand("request", 1), stop or threading.Event())


def sentences(site: Site) -> list[str]:
    return [entry.sentence for entry in site.ledger.worklog(request_id=1)]


def test_says_how_a_request_ended(site: WorkersSite) -> None:
    assert run(site) == "onboard E1042: done"
    assert site.ledger.request(1).state == "proven"
    assert run(site) is None  # it comes a second time: there is nothing left to do


def test_says_where_to_look_when_something_is_missing(desk: Desk, site: WorkersSite) -> None:  # noqa: F811
    desk.office.b.refuses["far"] = RejectedError("b", "the system says no")
    assert run(site) == "onboard E1042: done in part; `provision show run 1` tells what is missing"


def test_says_what_a_run_waits_for(desk: Desk, site: WorkersSite) -> None:  # noqa: F811
    del desk.office.sessions.systems["b"]  # type: ignore[attr-defined]
    assert run(site) == "onboard E1042: waits for b, and is tried again by itself"


def test_a_request_that_cannot_begin_says_so_once_and_is_tried_again(
    site: WorkersSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Site, "plan", _nobody_answers)
        for _ in range(3):
            with pytest.raises(UnreachableError):
                run(site)
    assert [said for said in sentences(site) if said.startswith("Could not begin")] == [
        "Could not begin: directory: nobody answers."
    ]
    assert due(site.ledger) == (Errand("request", 1),)
    assert run(site) == "onboard E1042: done"
    assert sentences(site)[-1] == "Done: the request is fulfilled and proven."


def test_a_request_that_needs_another_approval_says_why_it_did_not_begin(
    desk: Desk,  # noqa: F811
    site: WorkersSite,
) -> None:
    desk.office.grounds = {"security": ("E1042 joins the group IT-Support",)}
    said = run(site)
    assert said == "onboard E1042: the plan changed since it was approved: E1042 joins the group IT-Support"
    assert site.ledger.request(1).state == "awaiting approval"


def test_what_somebody_else_has_in_hand_is_put_off(site: WorkersSite) -> None:
    run_id = site.ledger.begin("onboard E1042", onboard("E1042").to_plain(), [], request_id=1).id
    with alone(site.ledger, run_id), pytest.raises(PutOffError, match=f"run {run_id} is in the hands of"):
        run(site, Errand("run", run_id))


def test_asked_to_stop_it_leaves_the_run_to_the_next_worker(desk: Desk, site: WorkersSite) -> None:  # noqa: F811
    stop = threading.Event()
    desk.office.a.on_apply = stop.set
    with pytest.raises(PutOffError, match="its worker was stopped"):
        run(site, stop=stop)
    assert site.ledger.run(1).state == "running"
    assert run(site, Errand("run", 1)) == "onboard E1042: done"


def test_the_desk_is_told_by_an_errand_of_its_own(site: WorkersSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.engine.outbox.open_desk", _unexpected)
    assert run(site) == "onboard E1042: done"
    assert "Done: the request is fulfilled and proven." in sentences(site)


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        (None, None),
        (Delivered(0, 0, None), None),
        (Delivered(3, 0, None), "3 work-log entries delivered"),
        (Delivered(3, 2, "it refuses"), "3 work-log entries delivered, 2 still owed: it refuses"),
    ],
)
def test_what_is_said_of_the_desk(
    site: WorkersSite, monkeypatch: pytest.MonkeyPatch, delivered: Delivered | None, expected: str | None
) -> None:
    monkeypatch.setattr(worker, "deliver", lambda *_, **__: delivered)
    assert run(site, Errand("outbox")) == expected


def test_a_desk_that_is_down_is_tried_later_and_later(site: WorkersSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "deliver", lambda *_, **__: Delivered(0, 7, "nobody answers", down=True))
    with pytest.raises(ProvisioningError, match="0 work-log entries delivered, 7 still owed: nobody answers"):
        run(site, Errand("outbox"))


def test_what_waits_for_its_backoff_is_no_errand(desk: Desk) -> None:  # noqa: F811
    place = {"host": "desk.corp.example", "port": 443}
    hook = WebhookDesk.model_validate({"kind": "webhook", "server": place, "path": "/", "key": "env:KEY"})
    site = WorkersSite(desk.site.inventory.model_copy(update={"service_desk": hook}))
    desk.opened.append(site)
    site.ledger.log(Entry("The desk B-204-3 is ready."))
    assert due(site.ledger) == (Errand("outbox"),)
    (delivery,) = site.ledger.undelivered(DESK)
    assert due(site.ledger) == ()  # somebody has it in hand
    site.ledger.delivery_failed(delivery.id, "nobody answers", next_try=datetime(2026, 1, 1, tzinfo=UTC))
    assert due(site.ledger) == (Errand("outbox"),)


@pytest.mark.parametrize(
    ("happened", "detail", "stopping", "expected"),
    [
        ("begun", "", False, None),
        ("put off", "run 1 is in the hands of somebody", False, None),
        ("put off", "its worker was stopped", True,
         "request 7: left as it is; another worker goes on with it, or this one when it is started again"),
        ("finished", "", False, None),
        ("finished", "onboard E1042: done", False, "request 7: onboard E1042: done"),
        ("failed", "a: \x1b[31m; tried again in 5 s", False, "request 7: not now: a: \\x1b[31m; tried again in 5 s"),
        ("taken over", "its worker gives no sign of life", False,
         "request 7: taken over, its worker gives no sign of life"),
    ],
)  # fmt: skip
def test_the_line_that_a_happening_is_worth(happened: str, detail: str, stopping: bool, expected: str | None) -> None:
    happening = Happening(Errand("request", 7), happened, detail)  # type: ignore[arg-type]
    assert told(happening, stopping=stopping) == expected


def test_the_line_of_the_desk() -> None:
    assert told(Happening(Errand("outbox"), "finished", "3 delivered")) == "service desk: 3 delivered"


def test_workers_on_postgresql_say_what_to_install(site: WorkersSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(site.ledger), "is_server", True)
    monkeypatch.setitem(__import__("sys").modules, "provisioning.engine.workers", None)
    with pytest.raises(RequestError, match=r"which is not installed; `pip install 'provisioning\[postgres\]'`"):
        engine_of(site, lambda _: None)


def _nobody_answers(*_: object, **__: object) -> None:
    raise UnreachableError("directory", "nobody answers")


def _unexpected(*_: object) -> None:
    raise AssertionError("the desk was asked")


# ------------------------------------------------------------------------------------------------------------ audits


def test_an_audit_is_due_once_in_its_span(site: WorkersSite, monkeypatch: pytest.MonkeyPatch) -> None:
    day, noon = timedelta(days=1), datetime(2026, 12, 1, 12, tzinfo=UTC)
    audits(monkeypatch)
    (errand,) = [e for e in due(site.ledger, noon, every={"audit": day}) if e.what == "audit"]
    assert errand == Errand("audit", 20788)  # 2026-12-01 is the 20,788th day after 1970-01-01
    run(site, errand)
    assert [e for e in due(site.ledger, noon, every={"audit": day}) if e.what == "audit"] == []
    assert Errand("audit", 20789) in due(site.ledger, noon + day, every={"audit": day})
    assert [e for e in due(site.ledger, noon) if e.what == "audit"] == []


FOUND = Finding("ports", "drift", "sw 1", "warning", "port sw 1 drifted")
AT = datetime(2026, 12, 1, tzinfo=UTC)


def audits(patch: pytest.MonkeyPatch, *findings: Finding, unread: tuple[Unread, ...] = ()) -> None:
    """From now on an audit finds this."""
    report = AuditReport("corp.example", AT, AREAS, findings, unread)
    patch.setattr(Site, "audit", lambda *_, **__: report)


def test_an_audit_names_what_was_found_once(site: WorkersSite, monkeypatch: pytest.MonkeyPatch) -> None:
    audits(monkeypatch, FOUND, unread=(Unread("switch:b", ("ports",), "nobody answers"),))
    said = run(site, Errand("audit", 7))
    assert said is not None
    assert "port sw 1 drifted. Could not judge switch:b. `provision audit` shows all." in said
    run(site, Errand("audit", 7))  # two workers at once: one sentence
    assert [entry.sentence for entry in site.ledger.worklog() if entry.key == "audit:7"] == [said]


def test_the_desk_hears_of_an_audit_only_when_somebody_has_to_look(
    site: WorkersSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.ledger.desks = (DESK,)
    for number, (findings, unread, more) in enumerate(
        (
            ((FOUND,), (), 1),
            ((), (Unread("b", ("ports",), "nobody answers"),), 1),
            ((replace(FOUND, severity="remark"),), (), 0),
            ((), (), 0),
        )
    ):
        owed = site.ledger.count_undelivered(DESK)
        audits(monkeypatch, *findings, unread=unread)
        run(site, Errand("audit", number))
        assert site.ledger.count_undelivered(DESK) == owed + more


def test_an_audit_leaves_its_numbers_where_the_site_wants_them(
    site: WorkersSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    audits(monkeypatch, FOUND)
    file = tmp_path / "audit.prom"
    settings = Workers(audit_prometheus=file)
    with_file = WorkersSite(site.inventory.model_copy(update={"workers": settings}))
    try:
        run(with_file, Errand("audit", 1))
        assert 'provisioning_audit_findings{site="corp.example",area="ports",severity="warning"} 1' in file.read_text()
        settings = Workers(audit_prometheus=tmp_path / "gone" / "audit.prom")
        without = WorkersSite(site.inventory.model_copy(update={"workers": settings}))
        said = run(without, Errand("audit", 2))
        without.ledger.close()
        assert "could not be written" in (said or ""), "but the audit was made"
    finally:
        with_file.ledger.close()
