"""What Ansible is told of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioning.ansible_door.ensuring import difference, joined, of_run, plain
from provisioning.ledger import Books
from provisioning.resources.base import Address, Change
from provisioning.resources.directory.user import User
from provisioning.resources.windows.registry import RegistryKey

ADDRESS = Address("directory.user", "directory", "ada")


def change(before: User | None, after: User | None) -> Change[Any]:
    return Change(ADDRESS, before, after)


def run(state: str, *, waits: tuple[str, ...] = (), error: str | None = None, change_state: str = "verified") -> Any:
    one = SimpleNamespace(change=change(None, User(title="T")), state=change_state, error=error)
    targets = tuple(SimpleNamespace(target=target, reason="no answer") for target in waits)
    record = SimpleNamespace(changes=(one,), proofs=(), targets=targets, undoes=None)
    return SimpleNamespace(id=7, state=state, record=record, succeeded=state == "done", waits_for=targets)


def plan() -> Any:
    return SimpleNamespace(
        changes=(change(None, User(title="T")),), orders=(), books=Books(), undoes=None, warnings=("W",)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, User(title="T"), ("", "title: T\n")),
        (User(title="S"), User(title="T"), ("title: S\n", "title: T\n")),
        (User(title="S"), None, ("title: S\n", "")),
        (User(title="S"), User(title="Коммерческий директор"), ("title: S\n", "title: Коммерческий директор\n")),
    ],
)
def test_a_difference_has_both_sides(before: User | None, after: User | None, shown: tuple[Any, Any]) -> None:
    found = difference(change(before, after))
    assert (found["before"], found["after"]) == shown
    assert found["before_header"] == found["after_header"] == "directory.user[directory/ada]"


def test_values_of_states_become_plain() -> None:
    key = RegistryKey.from_plain({"values": {"One": {"type": "REG_DWORD", "data": 1}}})
    assert plain({"a": key.values["One"], 1: frozenset("ba"), "c": ADDRESS}) == {
        "a": {"type": "REG_DWORD", "data": 1}, "1": ["a", "b"], "c": "directory.user[directory/ada]",
    }  # fmt: skip


def test_a_run_that_is_done() -> None:
    told = of_run(plan(), run("done"))
    assert (told["changed"], told["run"], told["warnings"]) == (True, 7, ["W"])
    assert told["resources"][0]["state"] == "verified"
    assert "failed" not in told


def test_a_change_that_failed_fails_the_task_with_its_sentence() -> None:
    told = of_run(plan(), run("partial", error="the OU is missing", change_state="failed"))
    assert told["failed"] is True
    assert told["changed"] is False
    assert told["msg"] == (
        "directory.user[directory/ada]: the OU is missing; run 7 is partly done: `provision resume 7` goes on with it, "
        "`provision undo 7` takes it back"
    )


@pytest.mark.parametrize(("target", "word"), [("windows:PC", "unreachable"), ("", "failed"), ("windows:B", "failed")])
def test_only_a_host_that_went_away_itself_is_unreachable(target: str, word: str) -> None:
    told = of_run(plan(), run("waiting", waits=("windows:PC",), change_state="pending"), target)
    assert told[word] is True
    assert {"failed", "unreachable"} & set(told) == {word}
    assert "provision resume 7" in told["msg"]


def test_what_was_wrong_at_first_and_is_not_any_more_is_left_out() -> None:
    first: dict[str, Any] = {
        "changed": True,
        "failed": True,
        "msg": "no",
        "warnings": ["cut"],
        "diff": [1],
        "proofs": [{"name": "signs in", "passed": True}],
        "waits_for": [1],
        "run": 1,
    }
    then = {"changed": False, "warnings": ["W"], "diff": [2], "proofs": []}
    kept = {"changed": True, "warnings": ["cut", "W"], "diff": [1, 2], "proofs": first["proofs"], "run": 1}
    assert joined(first, then) == kept
    unproven = first | {"proofs": [{"name": "signs in", "passed": False}]}
    assert joined(unproven, then)["failed"] is True
    assert "failed" not in joined(unproven, then | {"proofs": [{"name": "signs in", "passed": True}]})
