"""A module that makes a list of things of one kind so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ValidationError

from provisioning.ansible_door.arguments import Spec
from provisioning.ansible_door.definition import Definition, HostIs, Task, request_module
from provisioning.ansible_door.state_options import of_state
from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.procedures.ensure import ensure
from provisioning.resources.base import Resource
from provisioning.resources.registry import KINDS

Absent = Literal["removed", "emptied"]
"""What ``state: absent`` means: the thing is removed; or, where it can never be absent, the entries that the task names
(or all fields that it has) are emptied."""

NULL = "C(null): it must be empty. Left out: it is not looked at."


@dataclass(frozen=True)
class KindModule:
    """One such module. `things` is the name of its list, `key` of the option that tells things apart; `target` is where
    they are (``""``: on the host of the task), or how a task says it. `fields` are the kind's fields that can be asked
    for, each with its sentences; `fixed` are those that always are the same. `key_of` puts a key into its one form,
    and raises pydantic's ValidationError. `more` are options beside the list. `refers` is the field that names another
    thing of the same kind: one that is in the list too is made first."""

    name: str
    kind: str
    things: str
    key: str
    key_said: str
    said: str
    about: tuple[str, ...]
    fields: Mapping[str, str | tuple[str, ...]]
    examples: str
    target: str | Callable[[Task], str] = ""
    absent: Absent | None = "removed"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    key_of: Callable[[str], str] = str
    host_is: HostIs | None = None
    more: Spec = field(default_factory=dict)
    refers: str | None = None

    def definition(self) -> Definition:
        """The module as the registry has it."""
        return request_module(
            self.name, self.said, self.about, self._options(), self._request, self.examples, host_is=self.host_is
        )

    def _options(self) -> Spec:
        thing: Spec = {self.key: {"type": "str", "required": True, "description": [self.key_said]}}
        if self.absent is not None:
            thing["state"] = {
                "type": "str",
                "choices": ["present", "absent"],
                "default": "present",
                "description": [_ABSENT[self.absent]],
            }
        thing |= of_state(KINDS[self.kind].state, self.fields)
        listed = {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": thing,
            "description": [f"The {self.things} that the task is about. One task with a long list is one session."],
        }
        return {self.things: listed, **self.more}

    def _request(self, task: Task) -> Request:
        target = self._target(task)
        resources = [self._resource(one, target) for one in task.given[self.things]]
        return ensure(f"{self.name}{f' on {task.thing}' if task.target else ''}", self._ordered(resources))

    def _ordered(self, resources: Sequence[Resource]) -> Sequence[Resource]:
        """Each with the one of the same list that it refers to."""
        if self.refers is None:
            return resources
        there = {one.key.casefold(): one.address for one in resources if one.desired is not None}
        named = [str(getattr(one.desired, self.refers, None)).casefold() for one in resources]
        return [
            replace(one, requires=frozenset({there[name]})) if name in there and there[name] != one.address else one
            for one, name in zip(resources, named, strict=True)
        ]

    def _target(self, task: Task) -> str:
        if callable(self.target):
            return self.target(task)
        return self.target or task.target

    def _resource(self, thing: Mapping[str, Any], target: str) -> Resource:
        """Raises :class:`RequestError` for values that the kind does not take, with the path to them."""
        where = f"{self.things}: {thing[self.key]}"
        try:
            key = self.key_of(str(thing[self.key]))
        except ValidationError as exc:
            raise RequestError(f"{where}: {'; '.join(_faults(exc))}") from exc
        state = KINDS[self.kind].state
        fields = {name: value for name, value in thing.items() if name not in {self.key, "state"}}
        gone = thing.get("state", "present") == "absent"
        if gone and self.absent == "removed":
            return Resource(self.kind, target, key, None)
        if gone:
            fields = _emptied({name: fields.get(name) for name in self.fields})
        try:
            return Resource(self.kind, target, key, state.from_plain({**self.fixed, **_entries(fields)}))
        except ValidationError as exc:
            raise RequestError("; ".join(f"{where}: {fault}" for fault in _faults(exc))) from exc


_ABSENT: Mapping[Absent, str] = {
    "removed": "C(absent): it is removed if it is there; the other options do not matter then.",
    "emptied": "C(absent): the entries that are named are taken away (of what is no list of entries: all of it).",
}


def _emptied(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Where there are lists of entries, these alone are emptied."""
    entries = {name: dict.fromkeys(value) for name, value in fields.items() if isinstance(value, Mapping)}
    return entries or dict.fromkeys(fields)


def _entries(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Entries that are ``false`` are to be absent: playbooks say so, kinds say ``None``."""
    return {
        name: {entry: None if there is False else there for entry, there in value.items()}
        if isinstance(value, Mapping)
        else value
        for name, value in fields.items()
    }


def _faults(exc: ValidationError) -> list[str]:
    """What is wrong, each with the option's path (a value of one of several types complains once for each)."""
    found: dict[str, str] = {}
    for error in exc.errors(include_input=False, include_url=False):
        path = [str(part) for part in error["loc"] if not str(part).startswith(("function-", "constrained-"))]
        found.setdefault(".".join(path), error["msg"])
    return [f"{path}: {message}" if path else message for path, message in found.items()]
