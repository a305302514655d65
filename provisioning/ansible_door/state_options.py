"""Options from the models of kinds: one description of a thing for Python, Ansible and ``ansible-doc``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.ansible_door.arguments import Spec
from provisioning.resources.base import State

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}


def of_state(model: type[State], sentences: Mapping[str, str | tuple[str, ...]]) -> Spec:
    """The fields of `model` that `sentences` has, in its order, as options. None of them is required, and none has a
    default: what a task leaves out is not managed. Raises :class:`KeyError` for a field that the model does not
    have."""
    schema = model.model_json_schema(mode="validation")
    parts = schema.get("$defs", {})
    return {
        name: _option(schema["properties"][name], parts) | {"description": _paragraphs(said)}
        for name, said in sentences.items()
    }


def _paragraphs(said: str | Iterable[str]) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def _option(field: Mapping[str, Any], parts: Mapping[str, Any]) -> Spec:
    field = _resolved(field, parts)
    option: Spec = {"type": _type(field, parts)}
    if option["type"] == "list":
        option["elements"] = _type(_resolved(field.get("items", {}), parts), parts)
    if option["type"] == "str" and (choices := list(_choices(field, parts))):
        option["choices"] = choices
    return option


def _resolved(field: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """`field` without the alternative ``null`` and without references."""
    if "$ref" in field:
        named = parts[str(field["$ref"]).rpartition("/")[2]]
        return {**named, **{word: value for word, value in field.items() if word != "$ref"}}
    some = [one for one in field.get("anyOf", ()) if one.get("type") != "null"]
    if len(some) == 1:
        return {**_resolved(some[0], parts), **{word: value for word, value in field.items() if word != "anyOf"}}
    return field


def _type(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if "type" in field:
        return _TYPES[str(field["type"])]
    if "enum" in field or "const" in field:
        return "str"
    kinds = {_type(_resolved(one, parts), parts) for one in field.get("anyOf", ()) if one.get("type") != "null"}
    return kinds.pop() if len(kinds) == 1 else "raw"


def _choices(field: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterable[str]:
    yield from map(str, field.get("enum", ()))
    if "const" in field:
        yield str(field["const"])
    for one in field.get("anyOf", ()):
        yield from _choices(_resolved(one, parts), parts)
