"""The contract that every kind keeps, on the lab's real servers: plan → apply → second plan empty → undo → original.

A case is ``tests/cases/<kind>/<case>/contract.yml``: `target`, `key`, and `desired` (null: should not exist). `given`
lists resources (with their `kind`) that must be there first; they are undone at the end as well. `undo: stays` marks
the one sort of thing that taking back leaves as it is: a PC that has restarted has restarted. With `refused` (a part of
the sentence) the change must fail and leave everything as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.api import Site
from provisioning.connections.pool import Pool
from provisioning.engine import planner
from provisioning.engine.run import carry_out
from provisioning.engine.undo import to_take_back
from provisioning.ledger import Ledger, RunRecord
from provisioning.resources.base import Resource
from provisioning.resources.registry import KINDS
from provisioning.resources.windows.assumptions import ASSUMPTIONS

CASES = sorted((Path(__file__).parent.parent / "cases").glob("*/*/contract.yml"))

NOT_IN_WINE = {"windows.local_group": "local-groups"}
"""Kinds that the lab cannot have a case for, each with the assumption that says why and that ``provision windows
self-check`` tests on a real PC. They owe two things more: a test that the lab's PCs refuse them
(tests/lab/test_pc_settings.py), and one of their logic in the same script host (tests/unit/test_local_group.py). Add
none without them."""

ENDS_ONLY = {"mail.sessions", "phones.registrations", "mail.contents", "files.archived"}
"""Kinds that only end what somebody else begins: there is no case of them, and tests/lab/test_mail_rules.py ends real
sessions, tests/lab/test_leavers.py deletes a real mailbox and home folder."""

pytestmark = pytest.mark.lab


def _resource(plain: dict[str, Any], kind: str) -> Resource:
    desired = plain["desired"]
    state = None if desired is None else KINDS[kind].state.from_plain(desired)
    return Resource(kind, plain["target"], plain["key"], state)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "l.sqlite")
    yield opened
    opened.close()


def _apply(ledger: Ledger, pool: Pool, resources: list[Resource]) -> RunRecord:
    reading = planner.read(resources, pool)
    assert not reading.unread
    run = ledger.begin("contract", {}, planner.compare(resources, reading))
    run = carry_out(ledger, run.id, pool, lambda _: None)
    assert {r.change.key: (r.state, r.error) for r in run.changes if r.state != "verified"} == {}
    return run


def _refused(ledger: Ledger, pool: Pool, resource: Resource, sentence: str) -> None:
    begun = ledger.begin("contract", {}, planner.compare([resource], planner.read([resource], pool)))
    done = carry_out(ledger, begun.id, pool, lambda _: None)
    assert [record.state for record in done.changes] == ["failed"]
    assert sentence in str(done.changes[0].error)
    assert done.state == "partial"


def _undo(ledger: Ledger, pool: Pool, run: RunRecord) -> None:
    begun, unread = to_take_back(run.changes, pool)
    assert not unread
    back = ledger.begin("undo", {}, planner.inverse(begun), undoes=run.id)
    back = carry_out(ledger, back.id, pool, lambda _: None)
    assert {r.change.key: (r.state, r.error) for r in back.changes if r.state != "verified"} == {}


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.parent.name}-{path.parent.name}")
def test_plan_apply_plan_undo(case: Path, site: Site, pool: Pool, ledger: Ledger) -> None:
    kind = case.parent.parent.name
    plain = yaml.safe_load(case.read_text(encoding="utf-8"))
    given = [_apply(ledger, pool, [_resource(thing, thing["kind"])]) for thing in plain.get("given", [])]
    resource = _resource(plain, kind)

    original = planner.read([resource], pool).found
    if "refused" in plain:
        _refused(ledger, pool, resource, plain["refused"])
        assert planner.read([resource], pool).found == original
        for before in reversed(given):
            _undo(ledger, pool, before)
        return
    run = _apply(ledger, pool, [resource])
    assert len(run.changes) == 1, "the case asks for what is there already"
    assert planner.compare([resource], planner.read([resource], pool)) == []
    assert _apply(ledger, pool, [resource]).changes == ()
    _undo(ledger, pool, run)
    stays = plain.get("undo") == "stays"
    assert planner.read([resource], pool).found == (original if not stays else {resource.address: resource.desired})
    for before in reversed(given):
        _undo(ledger, pool, before)


def test_every_kind_has_a_contract_case() -> None:
    assert {case.parent.parent.name for case in CASES} == set(KINDS) - set(NOT_IN_WINE) - ENDS_ONLY


def test_a_kind_without_a_case_is_tested_on_a_real_pc_by_the_self_check() -> None:
    reasons = {assumption.name: assumption.not_in_wine for assumption in ASSUMPTIONS}
    assert all(reasons.get(assumption) for assumption in NOT_IN_WINE.values())
