"""Steps: playbooks that the site has run after a procedure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from provisioning.api import Site, playbook_steps
from provisioning.api.playbook_events import HostOutcome
from provisioning.api.playbook_settings import AFTER
from provisioning.api.playbook_steps import follow, following, sentences
from provisioning.api.playbooks import PlaybookRun
from provisioning.engine.events import Event, ProofSettled
from provisioning.errors import RequestError
from provisioning.ledger import RunRecord
from provisioning.procedures.onboard import onboard
from provisioning.procedures.publish import Publish
from provisioning.procedures.registry import PROCEDURES
from provisioning.procedures.together import Together
from provisioning.resources.base import Address, Change
from provisioning.resources.windows.time_zone import TimeZone
from provisioning.site.steps import Procedure
from tests.unit.playbook_bench import Bench

STEPS = """
steps:
  onboard:
    - playbook: canteen-card
      limit: "{workstation},!printers"
      tags: [cards]
      extra_vars: {colour: red}
      timeout: 5 min
    - {playbook: mails}
  install:
    - {playbook: mails, limit: "{workstation}"}
"""
ONBOARD = onboard("E1042").to_plain()
NO_DESK = onboard("E1043").to_plain()


class Killed(BaseException):
    """The process is gone."""


class Ansible:
    """Stands in for ansible-runner; `ends` are the states in which its runs end, or what they raise."""

    def __init__(self) -> None:
        self.ran: list[dict[str, Any]] = []
        self.ends: list[str | BaseException] = []

    def __call__(self, _site: Site, playbook: Path, **given: Any) -> PlaybookRun:
        self.ran.append({"playbook": playbook.stem, **given})
        end = self.ends.pop(0) if self.ends else "done"
        if isinstance(end, BaseException):
            raise end
        host = (
            HostOutcome("WS-0042", ok=1) if end == "done" else HostOutcome("WS-0042", failed=1, problems=("no cards",))
        )
        return PlaybookRun(100 + len(self.ran), playbook.name, end, False, {"WS-0042": host})  # type: ignore[arg-type]

    @property
    def names(self) -> list[str]:
        return [one["playbook"] for one in self.ran]


@pytest.fixture
def ansible(monkeypatch: pytest.MonkeyPatch) -> Ansible:
    fake = Ansible()
    monkeypatch.setattr(playbook_steps, "run_playbook", fake)
    return fake


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    bench = Bench(tmp_path)
    bench.playbook("canteen-card")
    bench.playbook("mails")
    (bench.site / "steps.yml").write_text(STEPS, encoding="utf-8")
    loaded = Site.load(bench.site)
    yield loaded
    loaded.ledger.close()


@pytest.fixture
def begin(site: Site) -> Callable[..., RunRecord]:
    """A run without changes: all that is left of it are its steps."""

    def begun(request: dict[str, Any] = ONBOARD, **words: Any) -> RunRecord:
        return site.ledger.begin("a request", request, (), **words)

    return begun


def on_pc(name: str) -> Change[Any]:
    return Change(Address("windows.time_zone", f"windows:{name}", "zone"), None, TimeZone(name="UTC"))


def on_switch() -> Change[Any]:
    return Change(Address("windows.time_zone", "switch:sw-b2-1", "zone"), None, TimeZone(name="UTC"))


def test_every_procedure_that_somebody_asks_for_can_have_steps() -> None:
    internal = {"ensure", "pc-parts", "intranet-access", "repair", "together", "config-restore"}
    assert set(get_args(Procedure)) == set(PROCEDURES) - internal


def test_a_step_is_for_the_pcs_of_its_request(site: Site) -> None:
    first, second = following(site.inventory, ONBOARD, [])
    assert (first.limit, first.people, first.said) == (
        "WS-0042,!printers", ("E1042",), "playbook canteen-card for WS-0042,!printers",
    )  # fmt: skip
    assert (second.limit, second.is_for_nobody) == (None, False)
    (installed,) = following(site.inventory, INSTALL, [on_pc("WS-0043"), on_pc("WS-0044")])
    assert installed.limit == "WS-0043,WS-0044"
    nobody, _ = following(site.inventory, NO_DESK, [])
    assert nobody.is_for_nobody, "an empty limit would be all hosts"
    assert list(following(site.inventory, Publish().to_plain(), [on_pc("WS-0042")])) == []


def test_of_several_requests_each_has_its_own(site: Site) -> None:
    both = Together((onboard("E1042"), Publish(), onboard("E1038"))).to_plain()
    assert [one.said for one in following(site.inventory, both, [on_pc("WS-0099")])] == [
        "playbook canteen-card for WS-0042,WS-0043,!printers", "playbook mails",
    ]  # fmt: skip


def test_the_plan_says_what_follows_and_that_no_undo_takes_it_back(site: Site) -> None:
    assert list(sentences(site.inventory, ONBOARD, [on_pc("WS-0042")])) == [
        "then: playbook canteen-card for WS-0042,!printers; `provision undo` does not take back what it does",
        "then: playbook mails; `provision undo` does not take back what it does",
    ]
    assert list(sentences(site.inventory, ONBOARD, [])) == [], "nothing follows where nothing is changed"


# ------------------------------------------------------------------------------------------------ with a run's end


def test_steps_run_in_order_and_once(site: Site, ansible: Ansible, begin: Callable[..., RunRecord]) -> None:
    run, events = begin(), list[Event]()
    assert follow(site, run, "done", events.append, None) == "done"
    first, second = ansible.ran
    assert first.pop("listener") == events.append
    assert first == {
        "playbook": "canteen-card", "limit": "WS-0042,!printers", "tags": ("cards",), "timeout": 300.0, "cancel": None,
        "after": run.id,
        "extra_vars": {
            "provision_run": run.id, "provision_procedure": "onboard", "provision_people": ["E1042"],
            "provision_workstations": ["WS-0042"], "colour": "red",
        },
    }  # fmt: skip
    assert (second["playbook"], second["limit"], second["timeout"]) == ("mails", None, None)
    assert [event.result.passed for event in events if isinstance(event, ProofSettled)] == [True, True]
    assert follow(site, run, "done", None, None) == "done"
    assert len(ansible.ran) == 2
    assert [(proof["name"], proof["detail"]) for proof in site.ledger.run(run.id).proofs] == [
        ("then: playbook canteen-card for WS-0042,!printers", "1 host, nothing failed (run 101)"),
        ("then: playbook mails", "1 host, nothing failed (run 102)"),
    ]
    assert len(site.ledger.worklog(run_id=run.id)) == 2


def test_a_step_that_fails_leaves_the_run_partly_done(
    site: Site, ansible: Ansible, begin: Callable[..., RunRecord]
) -> None:
    run = begin()
    ansible.ends = ["done", "partial"]
    assert follow(site, run, "done", None, None) == "partial"
    detail = site.ledger.run(run.id).proofs[-1]["detail"]
    assert detail == f"WS-0042: no cards (run 102); to run it again: provision resume {run.id}"
    assert follow(site, run, "done", None, None) == "done"
    assert ansible.names == ["canteen-card", "mails", "mails"]
    assert all(proof["passed"] for proof in site.ledger.run(run.id).proofs)


def test_what_cannot_run_is_a_failed_step_too(site: Site, ansible: Ansible, begin: Callable[..., RunRecord]) -> None:
    run = begin()
    ansible.ends = [RequestError("playbooks need ansible, which is not installed")]
    assert follow(site, run, "done", None, None) == "partial"
    assert "playbooks need ansible" in site.ledger.run(run.id).proofs[-1]["detail"]
    assert ansible.names == ["canteen-card"], "the next one may build on it"


def test_an_interrupted_step_leaves_the_run_interrupted(
    site: Site, ansible: Ansible, begin: Callable[..., RunRecord]
) -> None:
    ansible.ends = ["interrupted"]
    assert follow(site, begin(), "done", None, None) == "interrupted"


def test_a_killed_step_is_run_again_and_no_other(site: Site, ansible: Ansible, begin: Callable[..., RunRecord]) -> None:
    run = begin()
    ansible.ends = ["done", Killed()]
    with pytest.raises(Killed):
        follow(site, run, "done", None, None)
    assert follow(site, run, "done", None, None) == "done"
    assert ansible.names == ["canteen-card", "mails", "mails"]


def test_nothing_follows_a_run_that_is_not_done_an_undo_or_another_step(
    site: Site, ansible: Ansible, begin: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin()
    for state in ("partial", "waiting", "interrupted"):
        assert follow(site, run, state, None, None) == state
    undo = begin({"procedure": "undo", "run": run.id}, undoes=run.id)
    assert follow(site, undo, "done", None, None) == "done"
    monkeypatch.setenv(AFTER, "7")
    assert follow(site, run, "done", None, None) == "done"
    assert ansible.ran == []


def test_a_step_for_pcs_is_left_out_where_there_are_none(
    site: Site, ansible: Ansible, begin: Callable[..., RunRecord]
) -> None:
    run = begin(NO_DESK)
    assert [*sentences(site.inventory, NO_DESK, [on_switch()])] == [
        "then: playbook mails; `provision undo` does not take back what it does"
    ]
    assert follow(site, run, "done", None, None) == "done"
    assert ansible.names == ["mails"]
    assert site.ledger.run(run.id).proofs[0]["detail"] == "left out, because the request is about no PC"


def test_the_site_runs_the_steps_before_the_ledger_says_done(
    site: Site, ansible: Ansible, begin: Callable[..., RunRecord]
) -> None:
    run = begin()
    ansible.ends = [Killed()]
    with pytest.raises(Killed):
        site.resume(run.id)
    assert site.run(run.id).state == "running"
    ansible.ends = ["done", "partial"]
    assert site.resume(run.id).state == "partial"
    assert site.resume(run.id).state == "done"
    assert site.resume(run.id).state == "done"
    assert ansible.names == ["canteen-card", "canteen-card", "mails", "mails"]


INSTALL = {
    "procedure": "install", "asked": ["crm-client"], "whom": [], "packages": ["crm-client"], "left_out": [],
    "waves": [["WS-0043"]], "stop_at": 1, "remove": False,
}  # fmt: skip
