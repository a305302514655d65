"""Argument specifications from the models: one description of a thing for Python, Ansible and ``ansible-doc``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioning.resources.base import State

Spec = dict[str, Any]
"""An Ansible argument specification: option → its ``type``, ``elements``, ``choices``, ``description`` …"""

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}


def of_state(model: type[State]) -> Spec:
    """The options of a kind's state. What is left out is not managed; ``null`` must be empty."""
    schema = model.model_json_schema(mode="validation")
    parts = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return {
        name: _option(field, parts) | ({"required": True} if name in required else {})
        for name, field in schema.get("properties", {}).items()
    }


def _option(field: Mapping[str, Any], parts: Mapping[str, Any]) -> Spec:
    field = _resolved(field, parts)
    described = [str(field["description"])] if "description" in field else []
    choices = _choices(field, parts)
    kind = _type(field, parts)
    option: Spec = {"type": kind}
    if kind == "list":
        option["elements"] = _type(_resolved(field.get("items", {}), parts), parts)
    if choices and kind == "str":
        option["choices"] = choices
    if described:
        option["description"] = [re.sub(r"\s+", " ", text) for text in described]
    return option


def _resolved(field: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """`field` without the alternative ``null`` and without references."""
    if "$ref" in field:
        return {**parts[str(field["$ref"]).rpartition("/")[2]], **{k: v for k, v in field.items() if k != "$ref"}}
    some = [one for one in field.get("anyOf", ()) if one.get("type") != "null"]
    if len(some) == 1:
        return {**_resolved(some[0], parts), **{k: v for k, v in field.items() if k != "anyOf"}}
    return field


def _type(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    if "type" in field:
        return _TYPES[str(field["type"])]
    if "enum" in field or "const" in field:
        return "str"
    kinds = {_type(_resolved(one, parts), parts) for one in field.get("anyOf", ()) if one.get("type") != "null"}
    return kinds.pop() if len(kinds) == 1 else "raw"


def _choices(field: Mapping[str, Any], parts: Mapping[str, Any]) -> list[str]:
    found = list(field.get("enum", ()))
    if "const" in field:
        found.append(field["const"])
    for one in field.get("anyOf", ()):
        found += _choices(_resolved(one, parts), parts)
    return [str(choice) for choice in found]
