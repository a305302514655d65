"""State, Change: managed fields, mapping entries, views, and a change turned round."""

from __future__ import annotations

import pytest

from provisioning.resources.base import Address, Change
from tests.memory import Thing

A = Address("memory.thing", "t", "k")


def test_unset_fields_are_not_managed() -> None:
    assert Thing(colour="red").agrees_with(Thing(colour="red", size=3, labels={"x": "y"}))


def test_a_field_set_to_none_must_be_empty() -> None:
    assert Thing(colour=None).differences(Thing(colour="red")) == {"colour": ("red", None)}


def test_mapping_entries_are_managed_one_by_one() -> None:
    wanted = Thing(labels={"a": "1", "b": None})
    assert wanted.agrees_with(Thing(labels={"a": "1", "c": "9"}))
    assert wanted.differences(Thing(labels={"b": "2"})) == {"labels[a]": (None, "1"), "labels[b]": ("2", None)}


def test_view_keeps_only_what_is_managed() -> None:
    view = Thing(size=1, labels={"a": "1"}).view_of(Thing(colour="red", size=2, labels={"a": "0", "z": "9"}))
    assert view.to_plain() == {"size": 2, "labels": {"a": "0"}}


def test_plain_form_round_trips_with_the_managed_fields() -> None:
    state = Thing(colour=None, labels={"a": None})
    again = Thing.from_plain(state.to_plain())
    assert again == state
    assert again.managed() == ["colour", "labels"]


@pytest.mark.parametrize(
    ("before", "after", "action", "turned"),
    [
        (None, Thing(size=1), "create", "delete"),
        (Thing(size=1), Thing(size=2), "update", "update"),
        (Thing(size=1), None, "delete", "create"),
    ],
)
def test_a_change_turned_round(before: Thing | None, after: Thing | None, action: str, turned: str) -> None:
    change = Change(A, before, after)
    assert change.action == action
    assert change.inverse().action == turned
    assert change.inverse().inverse() == change


def test_done_and_not_begun_are_told_from_a_fresh_read() -> None:
    change = Change(A, Thing(size=1), Thing(size=2))
    assert change.done_in(Thing(colour="red", size=2))
    assert change.not_begun_in(Thing(colour="red", size=1))
    assert not change.done_in(None)
    assert Change(A, Thing(size=1), None).done_in(None)


def test_the_address_reads_well() -> None:
    assert str(A) == "memory.thing[t/k]"
