"""Assumptions about printers, services, groups and sign-ins: tests that look at a PC and change nothing there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.errors import RejectedError
from provisioning.resources.windows.assumption_tests import Finding, holds
from provisioning.resources.windows.exports import export
from provisioning.resources.windows.local_group import LOCAL_GROUP, WELL_KNOWN
from provisioning.resources.windows.printer import CONNECTIONS

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

_COMPONENTS = r"Software\Microsoft\Active Setup\Installed Components"


def local_groups(session: WindowsSession) -> Finding:
    """By the same script that the kind uses."""
    sid = WELL_KNOWN["administrators"]
    try:
        members = LOCAL_GROUP.read(session, [sid])[sid].members
    except RejectedError as exc:
        return Finding("fails", exc.message)
    return holds(bool(members), f"{sid} has {len(members)} members")


def printer_connections(session: WindowsSession) -> Finding:
    found = export(session, [CONNECTIONS])[CONNECTIONS]
    keys = {key: values for key, values in found.items() if key.casefold() != CONNECTIONS.casefold()}
    if not keys:
        return Finding("cannot tell", "no printer is connected for everybody there yet")
    odd = [
        key.rpartition("\\")[2]
        for key, values in keys.items()
        if not re.fullmatch(r",,[^,]+,[^,]+", key.rpartition("\\")[2])
        or not {"server", "printer", "provider"} <= {name.casefold() for name in values}
    ]
    return holds(not odd, f"{len(keys)} connections" if not odd else f"of another form: {', '.join(odd)}")


def service_exit_codes(session: WindowsSession) -> Finding:
    codes = [session.run(["sc", "query", name]).exit_code for name in ("Spooler", "provisioning-no-such-service")]
    said = f"sc query gave {codes[0]} for the spooler and {codes[1]} for a service that does not exist"
    return holds(codes[0] == 0 != codes[1], said)


def active_setup(session: WindowsSession) -> Finding:
    """Windows' own components are noted in the hive of everybody who is signed in."""
    said = session.run(["reg", "query", "HKU"]).stdout
    people = re.findall(r"^HKEY_USERS\\(S-1-(?:5-21|12-1)-[\d-]+)\s*$", said, re.MULTILINE)
    noted = [
        person
        for person in people
        if len(session.run(["reg", "query", rf"HKU\{person}\{_COMPONENTS}"]).stdout.split("HKEY_USERS")) > 1
    ]
    if not people:
        return Finding("cannot tell", "nobody is signed in there; somebody should be, once")
    return holds(bool(noted), f"components are noted for {len(noted)} of {len(people)} people who are signed in")
