"""A task's arguments and their specification, by which Ansible validates them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from provisioning.errors import RequestError
from provisioning.site.lines import did_you_mean

Spec = dict[str, Any]
"""An Ansible argument specification: option → its ``type``, ``elements``, ``choices``, ``options``, ``no_log`` …, and
its ``description`` (a list of paragraphs)."""

SITE: Spec = {
    "site": {
        "type": "path",
        "description": [
            "Folder of the site. Left out, it is the variable C(provision_site), then the environment variable "
            "C(PROVISION_SITE) of the controller.",
        ],
    },
}
"""The option of every module."""

_WORDS = {"description", "options", "required", "example"}
"""What ansible-doc, or we ourselves, make of an option; the rest is for Ansible's validator."""


def validated(given: Mapping[str, Any], options: Spec, module: str) -> dict[str, Any]:
    """The task's arguments by their specification: what the task left out is missing, or has its default; ``null``
    stays ``None``. Raises :class:`RequestError` with all that is wrong, each with the path of its option."""
    faults: list[str] = []
    found = _validated(given, SITE | options, "", faults)
    if faults:
        raise RequestError(f"{module}: {'; '.join(faults)}")
    return found


def _validated(given: Mapping[str, Any], spec: Spec, path: str, faults: list[str]) -> dict[str, Any]:
    """One level of options; faults are added to `faults`."""
    for name in given:
        if name not in spec:
            near = did_you_mean(name, spec) or f"; expected one of: {', '.join(spec)}"
            faults.append(f"{path}{name}: there is no such option{near}")
    for name, option in spec.items():
        if option.get("required") and given.get(name) is None:
            faults.append(f"{path}{name}: missing, it says {_first_sentence(option)}")
    known = {name: value for name, value in given.items() if name in spec}
    flat = {name: {word: v for word, v in option.items() if word not in _WORDS} for name, option in spec.items()}
    checked: dict[str, Any] = {}
    for name, option in flat.items():
        values = {name: known[name]} if name in known else {}
        one = ArgumentSpecValidator({name: option}).validate(values)
        faults += [f"{path}{name}: {message}" for message in one.error_messages]
        if name in known or option.get("default") is not None:
            checked[name] = native(one.validated_parameters.get(name))
    for name, value in checked.items():
        if inner := spec[name].get("options"):
            checked[name] = _nested(value, inner, f"{path}{name}", faults)
    return checked


def _nested(value: Any, spec: Spec, path: str, faults: list[str]) -> Any:
    """The suboptions of a dict, or of each dict of a list."""
    if isinstance(value, list):
        return [_nested(one, spec, f"{path}[{number}]", faults) for number, one in enumerate(value)]
    if isinstance(value, Mapping):
        return _validated(value, spec, f"{path}.", faults)
    return value  # None, or of a type that was complained about already


def _first_sentence(option: Mapping[str, Any]) -> str:
    said = str(next(iter(option.get("description", ())), "what it is about"))
    return said.partition(". ")[0].rstrip(".")


def native(value: Any) -> Any:
    """A value of Ansible's (texts that know where they come from, mappings that are templated when they are looked at)
    as plain Python."""
    if isinstance(value, Mapping):
        return {str(name): native(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [native(one) for one in value]
    if value is None or isinstance(value, bool):
        return value
    for plain in (int, float):
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, date):  # 2026-12-01 without quotes is a day for YAML
        return value.isoformat()
    return "".join(str(value))


def secrets_in(given: Mapping[str, Any], spec: Spec) -> set[str]:
    """The values of the options that are marked with ``no_log``, as texts."""
    return {text for name, option in spec.items() if name in given for text in _secrets(given[name], option)}


def _secrets(value: Any, option: Mapping[str, Any]) -> Iterator[str]:
    if option.get("no_log"):
        yield from _texts(value)
    elif inner := option.get("options"):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from secrets_in(one, inner)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
