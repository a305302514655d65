"""WMI methods of the lab's PCs, called over WS-Management: Win32_ComputerSystem's UnjoinDomainOrWorkgroup and Rename.

Nothing else is there, and what is not there is refused. Source: Microsoft Learn, "Win32_ComputerSystem class".
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import quoteattr

from provisioning.lab.windows import djoin, wsman
from provisioning.lab.windows.machine import Machine

CLASSES = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/"
_COMPUTER_SYSTEM = f"{CLASSES}Win32_ComputerSystem"


def answer(machine_file: Path, request: wsman.Request) -> bytes:
    """Carry out a method call."""
    machine = Machine.load(machine_file)
    method = request.action.rpartition("/")[2]
    if request.action == f"{_COMPUTER_SYSTEM}/UnjoinDomainOrWorkgroup":
        code = djoin.leave(machine) if _argument(request.body, "FUnjoinOptions") == "0" else djoin.INVALID_PARAMETER
    elif request.action == f"{_COMPUTER_SYSTEM}/Rename":
        code = djoin.rename(machine, _argument(request.body, "Name"))
    else:
        raise wsman.WsmanError(
            wsman.INTERNAL, "wsa:ActionNotSupported", f"lab: this PC has no WMI method {request.action}"
        )
    body = (
        f"<p:{method}_OUTPUT xmlns:p={quoteattr(request.resource)}><p:ReturnValue>{code}</p:ReturnValue>"
        f"</p:{method}_OUTPUT>"
    )
    return wsman.answered(request, body)


def _argument(body: ET.Element, name: str) -> str:
    found = next((element for element in body.iter() if element.tag.rpartition("}")[2] == name), None)
    return "" if found is None else (found.text or "").strip()
