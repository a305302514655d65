"""Proofs on a PC: a package is registered at its version. (Policies: see
:mod:`provisioning.resources.windows.policy_proofs`.) It asks ``reg query``, not the export that the kind reads by.

The output of ``reg query`` is in no language: the key, then ``    NAME    REG_TYPE    DATA`` a line (only the default
value's name is translated).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.windows.entries import (
    UNINSTALL_KEYS,
    Entry,
    any_registered,
    find,
    packages_by_name,
    read_packages,
)
from provisioning.resources.windows.package_state import InstalledPackage
from provisioning.resources.windows.policy_proofs import POLICIES_READ_BACK
from provisioning.site.software import Package

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_TIMEOUT = 120.0  # seconds
_VALUE = re.compile(r"^ {4}(?P<name>DisplayName|DisplayVersion) {4}REG_(?:EXPAND_)?SZ {4}(?P<data>.*)$", re.IGNORECASE)


class PackageRegistered:
    """``windows.package`` with parameters `display_name` and `version`: an Uninstall key shows the package
    at that version (or, where only that tells of it, its program file)."""

    name = "windows.package"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        return self.check_all(sessions, [proof])[0]

    def check_all(self, sessions: Sessions, proofs: Sequence[Proof]) -> list[ProofResult]:
        """One command, whatever the number of packages."""
        with sessions.session(proofs[0].target) as session:
            catalogue = packages_by_name(session.inventory)
            names = [str(proof.parameters["display_name"]) for proof in proofs]
            registered = _entries(session) if any_registered(session.inventory, names) else []
            return [
                _judged(session, proof, catalogue.get(name.casefold()), registered)
                for proof, name in zip(proofs, names, strict=True)
            ]


def _judged(session: WindowsSession, proof: Proof, package: Package | None, registered: Sequence[Entry]) -> ProofResult:
    display_name, version = str(proof.parameters["display_name"]), str(proof.parameters["version"])
    if package is not None and package.detect is not None and package.detect.file is not None:
        state = read_packages(session, [display_name]).get(display_name)
        found = None if state is None else state.version
    else:
        entry = find(package, display_name, registered)
        found = None if entry is None else entry.version
    pc = proof.target.partition(":")[2]
    if found is None:
        return ProofResult(proof, False, f"{display_name} is not registered on {pc}; expected version {version}")
    if not InstalledPackage(version=version).agrees_with(InstalledPackage(version=found)):
        return ProofResult(proof, False, f"{display_name} is at version {found} on {pc}; expected {version}")
    return ProofResult(proof, True, f"{display_name} {found} is registered on {pc}")


def _entries(session: WindowsSession) -> list[Entry]:
    """Every key below Uninstall that has a DisplayName, both views, in one command."""
    queries = [["reg", "query", key, "/s", "/reg:64"] for key in UNINSTALL_KEYS]
    printed = session.output_of(queries, timeout=_TIMEOUT).replace("\r\n", "\n")
    found: dict[str, dict[str, str]] = {}
    key = ""
    for line in printed.split("\n"):
        if line.startswith("HKEY_"):
            key = line.rstrip()
        elif key and (match := _VALUE.match(line)):
            found.setdefault(key, {})[match["name"].casefold()] = match["data"].strip()
    return [
        Entry(values["displayname"], values.get("displayversion", ""), path.rpartition("\\")[2])
        for path, values in found.items()
        if values.get("displayname")
    ]


PACKAGE_REGISTERED = PackageRegistered()
POLICY_READS_BACK = POLICIES_READ_BACK
