"""A task's arguments: what is left out, what is null, what is wrong and where."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from provisioning.ansible_door.arguments import Spec, native, secrets_in, validated
from provisioning.errors import RequestError

SPEC: Spec = {
    "users": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "description": ["The users. All of them."],
        "options": {
            "login": {"type": "str", "required": True, "description": ["Login."]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present", "description": ["There?"]},
            "office": {"type": "str", "description": ["Room."]},
            "enabled": {"type": "bool", "description": ["Whether it is."]},
            "quota": {"type": "int", "description": ["MiB."]},
            "groups": {"type": "dict", "description": ["Groups."]},
            "pin": {"type": "str", "no_log": True, "description": ["A secret."]},
        },
    },
    "key": {"type": "str", "no_log": True, "description": ["A secret."]},
}


def test_left_out_null_and_default_are_told_apart() -> None:
    given = {"users": [{"login": "a", "office": None, "quota": "7", "enabled": "no", "groups": {"Sales": None}}]}
    assert validated(given, SPEC, "m") == {
        "users": [
            {"login": "a", "state": "present", "office": None, "quota": 7, "enabled": False, "groups": {"Sales": None}}
        ]
    }


def wrong(given: dict[str, Any]) -> str:
    with pytest.raises(RequestError) as caught:
        validated(given, SPEC, "m")
    return str(caught.value)


def test_every_fault_is_named_with_its_path() -> None:
    said = wrong({"users": [{"login": "a"}, {"login": "b", "quota": "much", "ofice": "x"}, {"state": "gone"}]})
    assert said.startswith("m: ")
    assert "users[1].quota: " in said
    assert "much" in said
    assert "users[1].ofice: there is no such option; did you mean 'office'?" in said
    assert "users[2].login: missing, it says Login" in said
    assert "users[2].state: " in said
    assert "gone" in said
    assert "users[0]" not in said


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "users: missing, it says The users"),
        ({"users": None}, "users: missing"),
        ({"users": [{"login": "a", "groups": [1]}]}, "users[0].groups: "),
        ({"users": [1]}, "users: Elements value"),
        ({"users": [{"login": "a"}], "nonsense": 1}, "nonsense: there is no such option; expected one of: site, users"),
    ],
)
def test_wrong_arguments(given: dict[str, Any], expected: str) -> None:
    assert expected in wrong(given)


def test_values_become_plain_python() -> None:
    class Tagged(str):
        pass

    found = native({Tagged("a"): [Tagged("b"), True, 1, 2.5, None, date(2026, 12, 1)]})
    assert found == {"a": ["b", True, 1, 2.5, None, "2026-12-01"]}
    assert {type(name) for name in found} == {str}
    assert type(found["a"][0]) is str


def test_secrets_are_found_at_every_depth() -> None:
    given = {"users": [{"login": "a", "pin": "4711-pin"}, {"login": "b"}], "key": ["one", {"x": "two"}]}
    assert secrets_in(given, SPEC) == {"4711-pin", "one", "two"}
