"""Proof that policies read back on a PC. It asks ``reg query``, not the export that the kind reads by.

The output of ``reg query`` is in no language: the key, then ``    NAME    REG_TYPE    DATA`` a line (only the default
value's name is translated).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.windows.exports import check_key, together
from provisioning.resources.windows.reg_file import RegistryValue
from provisioning.resources.windows.registry import REGISTRY, RegistryKey

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_LINE = re.compile(r"^ {4}(?P<name>.*?) {4}(?P<type>REG_[A-Z_]+) {4}(?P<data>.*)$")
_TIMEOUT = 120.0  # seconds for all keys of a proof

Printed = Mapping[str, tuple[str, str]]
"""``{name in lower case: (type, data as printed)}``."""


class PoliciesReadBack:
    """``windows.policy`` with parameters `key` and `values` (``{name: {type, data}}``), or `keys` (``{key: values}``):
    the values read back as they should be. One command for all keys."""

    name = "windows.policy"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        given = proof.parameters.get("keys") or {proof.parameters["key"]: proof.parameters["values"]}
        wanted = {
            str(key): {str(name): RegistryValue.model_validate(value) for name, value in values.items()}
            for key, values in given.items()
        }
        pc = proof.target.partition(":")[2]
        with sessions.session(proof.target) as session:
            wrong = _wrong(session, wanted)
        if wrong:
            more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            return ProofResult(proof, False, f"on {pc}: {'; '.join(wrong[:5])}{more}")
        values = sum(map(len, wanted.values()))
        where = next(iter(wanted)) if len(wanted) == 1 else f"{len(wanted)} keys"
        return ProofResult(proof, True, f"{values} values of {where} read back as they should on {pc}")


def _wrong(session: WindowsSession, wanted: Mapping[str, Mapping[str, RegistryValue]]) -> list[str]:
    """One sentence a value that is not as it should be, with its key and its name."""
    printable = [key for key, values in wanted.items() if all(map(_shown_by_query, values, values.values()))]
    printed = _query(session, printable)
    exported = REGISTRY.read(session, [key for key in wanted if key not in printed])
    found: list[str] = []
    for key, values in wanted.items():
        if key in exported:
            differences = RegistryKey(values=dict(values)).differences(exported[key])
            for name, (old, new) in differences.items():
                found.append(_sentence(key, name, (old.type, old.data) if old else None, new))
        else:
            for name, value in values.items():
                seen = printed[key].get(name.casefold())
                if seen != (value.type, _as_printed(value)):
                    found.append(_sentence(key, f"values[{name}]", seen, value))
    return found


def _sentence(key: str, name: str, found: tuple[str, object] | None, wanted: RegistryValue) -> str:
    name = name.removeprefix("values[").removesuffix("]") or "its default value"
    if found is None:
        return f"{key}: {name} is absent, expected {wanted.data!r}"
    if found[0] != wanted.type:
        return f"{key}: {name} is of type {found[0]} ({found[1]!r}), expected {wanted.type} ({wanted.data!r})"
    return f"{key}: {name} is {found[1]!r}, expected {wanted.data!r}"


def _shown_by_query(name: str, value: RegistryValue) -> bool:
    """`reg query` translates the default value's name, breaks lines with the data, and Wine's prints no REG_QWORD."""
    texts = value.data if isinstance(value.data, tuple) else (str(value.data),)
    return bool(name) and value.type != "REG_QWORD" and not any(set(text) & set("\r\n") for text in texts)


def _query(session: WindowsSession, keys: Sequence[str]) -> dict[str, Printed]:
    """What ``reg query`` prints for each key; nothing for one that is not there."""
    if not keys:
        return {}
    full = {key: check_key(session.target, key) for key in keys}
    covers = together(list(full.values()))
    found = _printed(session, {path: below != [path] for path, below in covers.items()})
    # Where they could not be asked for together, they are asked for by themselves
    if left := [path for path in full.values() if path.casefold() not in found and path not in covers]:
        found |= _printed(session, dict.fromkeys(left, False))
    return {key: found.get(path.casefold(), {}) for key, path in full.items()}


def _printed(session: WindowsSession, paths: Mapping[str, bool]) -> dict[str, dict[str, tuple[str, str]]]:
    """What ``reg query`` prints for each path, and all below it where that is wanted."""
    asked = [["reg", "query", path, *(["/s"] if below else []), "/reg:64"] for path, below in paths.items()]
    return parse_query(session.output_of(asked, timeout=_TIMEOUT))


def parse_query(output: str) -> dict[str, dict[str, tuple[str, str]]]:
    """``{key in lower case: values}`` of the output of any number of ``reg query``."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    current: dict[str, tuple[str, str]] = {}
    for line in output.splitlines():
        if line.startswith("HKEY_"):
            current = found.setdefault(line.rstrip().casefold(), {})
        elif match := _LINE.match(line):
            current[match["name"].casefold()] = (match["type"], match["data"])
    return found


def _as_printed(value: RegistryValue) -> Any:
    if isinstance(value.data, int):
        return f"0x{value.data:x}"
    if isinstance(value.data, tuple):
        return "\\0".join(value.data)
    return value.data if value.type in {"REG_SZ", "REG_EXPAND_SZ"} else value.data.upper()


POLICIES_READ_BACK = PoliciesReadBack()
