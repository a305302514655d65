"""Proofs on a PC: a package is registered at its version, policies read back. They ask ``reg query``, not the
kinds' exports.

The output of ``reg query`` is in no language: ``    NAME    REG_TYPE    DATA`` (only the default value's name
is translated).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioning.connections.windows import WindowsSession
from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.windows.exports import check_key
from provisioning.resources.windows.package import UNINSTALL_KEYS, InstalledPackage, installed
from provisioning.resources.windows.reg_file import RegistryValue
from provisioning.resources.windows.registry import REGISTRY, RegistryKey

_LINE = re.compile(r"^ {4}(?P<name>.*?) {4}(?P<type>REG_[A-Z_]+) {4}(?P<data>.*)$")


class PackageRegistered:
    """``windows.package`` with parameters `display_name` and `version`: an Uninstall key shows the package
    at that version."""

    name = "windows.package"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        display_name, version = str(proof.parameters["display_name"]), str(proof.parameters["version"])
        with sessions.session(proof.target) as session:
            found = _registered(session, display_name, version)
        wanted = InstalledPackage(version=version)
        if found is None:
            return ProofResult(
                proof, False, f"{display_name} is not registered on {_pc(proof)}; expected version {version}"
            )
        if not wanted.agrees_with(found):
            return ProofResult(
                proof,
                False,
                f"{display_name} is at version {found.version} on {_pc(proof)}; expected {version}",
            )
        return ProofResult(proof, True, f"{display_name} {found.version} is registered on {_pc(proof)}")


class PolicyReadsBack:
    """``windows.policy`` with parameters `key` and `values` (``{name: {type, data}}``): the values read
    back as they should be."""

    name = "windows.policy"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        key = str(proof.parameters["key"])
        wanted = {name: RegistryValue.model_validate(value) for name, value in proof.parameters["values"].items()}
        with sessions.session(proof.target) as session:
            wrong = _wrong(session, key, wanted)
        if wrong:
            return ProofResult(proof, False, f"{key} on {_pc(proof)}: {'; '.join(wrong)}")
        return ProofResult(proof, True, f"{len(wanted)} values of {key} read back as they should on {_pc(proof)}")


def _wrong(session: WindowsSession, key: str, wanted: Mapping[str, RegistryValue]) -> list[str]:
    """One sentence a value that is not as it should be."""
    if all(map(_shown_by_query, wanted, wanted.values())):
        printed = _query(session, check_key(session.target, key))
        return [
            f"{name} is {printed.get(name.casefold(), ('', 'absent'))[1]!r}, expected {value.data!r}"
            for name, value in wanted.items()
            if printed.get(name.casefold()) != (value.type, _as_printed(value))
        ]
    found = REGISTRY.read(session, [key])[key]
    differences = RegistryKey(values=dict(wanted)).differences(found)
    return [
        f"{name} is {old.data if old else 'absent'!r}, expected {new.data!r}"
        for name, (old, new) in differences.items()
    ]


def _shown_by_query(name: str, value: RegistryValue) -> bool:
    """`reg query` translates the default value's name, breaks lines with the data, and Wine's prints no REG_QWORD."""
    texts = value.data if isinstance(value.data, tuple) else (str(value.data),)
    return bool(name) and value.type != "REG_QWORD" and not any(set(text) & set("\r\n") for text in texts)


def _registered(session: WindowsSession, display_name: str, version: str) -> InstalledPackage | None:
    """By the product code that the catalogue names, and only without one by looking through everything."""
    for package in session.inventory.software.values():
        if package.display_name.casefold() != display_name.casefold():
            continue
        for installer in package.versions:
            if installer.version != version:
                continue
            for key in UNINSTALL_KEYS:
                values = _query(session, f"{key}\\{installer.product_code}")
                if values.get("displayname", ("", ""))[1].strip().casefold() == display_name.casefold():
                    return InstalledPackage(version=values.get("displayversion", ("", ""))[1].strip())
    everything = {name.casefold(): found for name, found in installed(session).items()}
    return everything.get(display_name.casefold())


def _query(session: WindowsSession, key: str) -> Mapping[str, tuple[str, str]]:
    """``{name in lower case: (type, data as printed)}``; empty when there is no such key."""
    result = session.run(["reg", "query", key, "/reg:64"])
    if result.exit_code != 0:
        return {}
    matches = (_LINE.match(line) for line in result.stdout.splitlines())
    return {match["name"].casefold(): (match["type"], match["data"]) for match in matches if match}


def _as_printed(value: RegistryValue) -> Any:
    if isinstance(value.data, int):
        return f"0x{value.data:x}"
    if isinstance(value.data, tuple):
        return "\\0".join(value.data)
    return value.data if value.type in {"REG_SZ", "REG_EXPAND_SZ"} else value.data.upper()


def _pc(proof: Proof) -> str:
    return proof.target.partition(":")[2]


PACKAGE_REGISTERED = PackageRegistered()
POLICY_READS_BACK = PolicyReadsBack()
