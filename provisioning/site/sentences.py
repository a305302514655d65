"""From what pydantic reports to sentences for people: what is wrong, what was expected, the nearest valid
name.

No value is repeated where a secret could stand (someone may have written the password itself instead of a
reference).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from provisioning.site.lines import did_you_mean

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "ip_v4_address": "an IPv4 address such as 10.20.0.10",
    "ip_v4_network": "an IPv4 subnet such as 10.20.0.0/24, without host bits",
    "date_type": "a date such as 2026-11-30 (ISO 8601)",
    "date_parsing": "a date such as 2026-11-30 (ISO 8601)",
    "date_from_datetime_parsing": "a date such as 2026-11-30 (ISO 8601)",
    "date_from_datetime_inexact": "a date such as 2026-11-30 (ISO 8601)",
    "path_type": "the path of a file",
}
_SHAPES = {
    "dict_type": "expected names with their settings indented below",
    "model_type": "expected settings indented below (or in braces)",
    "model_attributes_type": "expected settings indented below (or in braces)",
    "tuple_type": "expected a list, such as [one, two]",
    "list_type": "expected a list, such as [one, two]",
    "string_type": "expected a text",
}


def sentence(error: ErrorDetails, root: type[BaseModel]) -> str:
    """One fault as ``place: what is wrong; what was expected``, without file and line."""
    loc: tuple[str | int, ...] = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{place_of(loc[:-1])}there is no setting {loc[-1]!r} here{_settings(root, loc)}"
    if error["type"] == "missing":
        return f"{place_of(loc[:-1])}the setting {loc[-1]!r} is missing{_purpose(root, loc)}"
    if loc and loc[-1] == "[key]":
        advice = _advice(error["type"], error.get("ctx", {}), error["msg"])
        return f"{place_of(loc[:-2])}{loc[-2]!r} cannot be a name here; {advice}"
    return place_of(loc) + _about_value(error)


def _about_value(error: ErrorDetails) -> str:
    """What is wrong with a value that is there. Only texts that cannot be a secret are repeated."""
    kind, context, found = error["type"], error.get("ctx", {}), error.get("input")
    if found is None:
        return f"nothing is given here; {_SHAPES.get(kind, 'expected a value')}"
    if kind == "too_short":
        return f"this is empty; expected {'a text' if isinstance(found, str) else 'at least one entry'}"
    if kind in _SHAPES:
        return _SHAPES[kind]
    advice = _advice(kind, context, error["msg"])
    if kind in {"value_error", "secret_reference"}:
        return advice
    return f"{_shown(found)}{advice}{_meant(kind, context, found)}"


_LIMITS = {
    "greater_than_equal": "expected {ge} or more",
    "less_than_equal": "expected {le} or less",
    "too_long": "expected at most {max_length} characters",  # of lists only the least length is limited
    "literal_error": "expected {expected}",
    "value_error": "{error}",
    "union_tag_invalid": "there is no kind {tag!r}; expected {expected_tags}",
    "union_tag_not_found": "the setting {discriminator} is missing; it says which sort this is",
}


def _advice(kind: str, context: dict[str, Any], message: str) -> str:
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}"
    if kind in _LIMITS:
        return _LIMITS[kind].format_map(context)
    return message  # "form" carries its own sentence; anything new reads as pydantic wrote it


def _meant(kind: str, context: dict[str, Any], found: object) -> str:
    if kind != "literal_error":
        return ""
    choices = [c.strip(" '") for c in str(context["expected"]).replace(" or ", ",").split(",")]
    return did_you_mean(str(found), choices)


def _shown(found: object) -> str:
    if isinstance(found, (str, int, float)):
        text = repr(found)
        return f"{text if len(text) <= 60 else text[:57] + '…' + text[0]} does not fit; "
    return ""


def place_of(loc: Sequence[str | int]) -> str:
    """``people E1042: manager: `` for ``("people", "E1042", "manager")``."""
    if not loc:
        return ""
    words = [str(step + 1) if isinstance(step, int) else str(step) for step in loc]
    head = " ".join(words[:2])
    return ": ".join([head, *words[2:]]) + ": "


def _settings(root: type[BaseModel], loc: Sequence[str | int]) -> str:
    model = model_at(root, loc[:-1])
    if model is None:
        return ""
    names = list(model.model_fields)
    return did_you_mean(str(loc[-1]), names) or f"; expected one of: {', '.join(names)}"


def _purpose(root: type[BaseModel], loc: Sequence[str | int]) -> str:
    model = model_at(root, loc[:-1])
    field = model.model_fields.get(str(loc[-1])) if model else None
    return f" ({field.description})" if field and field.description else ""


def model_at(root: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that describes the value at a path of keys, if one does."""
    annotation: Any = root
    for step in loc:
        annotation = _below(annotation, step)
    return next(_models(annotation), None)


def _below(annotation: Any, step: str | int) -> Any:
    models = list(_models(annotation))
    for model in models:
        if len(models) > 1 and step in sorts_of(model):
            return model
    for model in models:
        field = model.model_fields.get(str(step))
        return field.annotation if field else None
    arguments = [a for a in get_args(annotation) if a is not Ellipsis]
    # dict[K, V] and tuple[V, ...]: the value is the last argument
    return arguments[-1] if arguments else None


def sorts_of(model: type[BaseModel]) -> tuple[str, ...]:
    """What the setting `kind` of a model may be, where it tells the sorts of one thing apart. pydantic puts it into the
    path of an error, though no file has it there."""
    field = model.model_fields.get("kind")
    return tuple(get_args(field.annotation)) if field is not None else ()


def _models(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    origin_is_container = getattr(annotation, "__origin__", None) in {dict, tuple, list}
    if not origin_is_container:
        for argument in get_args(annotation):
            yield from _models(argument)
