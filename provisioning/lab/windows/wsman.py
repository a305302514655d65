"""The messages of WS-Management as WinRM's shells use them (MS-WSMV 3.1.4, DMTF DSP0226): parsing requests,
writing answers.

Pure text work; :mod:`provisioning.lab.windows.endpoint` serves it and :mod:`provisioning.lab.windows.shells`
does the deeds.
"""

from __future__ import annotations

import base64
import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
_TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
CMD_SHELL = f"{_SHELL}/cmd"

CREATE = f"{_TRANSFER}/Create"
DELETE = f"{_TRANSFER}/Delete"
COMMAND = f"{_SHELL}/Command"
SEND = f"{_SHELL}/Send"
RECEIVE = f"{_SHELL}/Receive"
SIGNAL = f"{_SHELL}/Signal"

MAX_ENVELOPE = 153_600
"""Octets of one answer, WinRM's former default (MaxEnvelopeSizekb 150), which clients still announce."""

# Fault codes of WSManFault (Windows SDK, wsmerror.h).
TIMED_OUT = 2150858793
INVALID_SELECTORS = 2150858843
SHELLS_QUOTA = 2150859173
OPERATIONS_QUOTA = 2150859174
INTERNAL = 2150858770


class WsmanError(Exception):
    """Becomes a fault message: `code` from wsmerror.h, `subcode` a WS-Management QName."""

    def __init__(self, code: int, subcode: str, reason: str) -> None:
        super().__init__(code, subcode, reason)
        self.code = code
        self.subcode = subcode
        self.reason = reason


@dataclass(frozen=True)
class Request:
    """One request, taken apart. `timeout` is the OperationTimeout in seconds."""

    action: str
    resource: str
    message_id: str
    timeout: float
    shell_id: str | None
    body: ET.Element

    def text(self, name: str) -> str:
        """Text of the first element `name` of the shell namespace in the body, empty when there is none."""
        found = self.body.find(f".//{{{_SHELL}}}{name}")
        return "" if found is None or found.text is None else found.text

    def attribute(self, element: str, name: str) -> str:
        """Attribute of the first element of that name, empty when there is none."""
        found = self.body.find(f".//{{{_SHELL}}}{element}")
        return "" if found is None else found.get(name, "")

    def command_line(self) -> str:
        """What ``cmd.exe /c`` is to run: the command and its arguments."""
        arguments = [node.text or "" for node in self.body.iter(f"{{{_SHELL}}}Arguments")]
        return " ".join([self.text("Command"), *arguments]).strip()


def parse(message: bytes) -> Request:
    """Raises :class:`WsmanError` for what is not a request that this endpoint understands."""
    if b"<!DOCTYPE" in message or b"<!ENTITY" in message:
        raise WsmanError(INTERNAL, "wsman:InternalError", "document types are not allowed")
    try:
        root = ET.fromstring(message)  # noqa: S314 - entities are refused above
    except ET.ParseError as exc:
        raise WsmanError(INTERNAL, "wsman:InternalError", f"not XML: {exc}") from exc
    body = root.find(f"{{{_ENVELOPE}}}Body")

    def header(name: str) -> str:
        found = root.find(f"{{{_ENVELOPE}}}Header/{name}")
        return "" if found is None or found.text is None else found.text.strip()

    selector = root.find(f".//{{{_WSMAN}}}Selector[@Name='ShellId']")
    return Request(
        action=header(f"{{{_ADDRESSING}}}Action"),
        resource=header(f"{{{_WSMAN}}}ResourceURI"),
        message_id=header(f"{{{_ADDRESSING}}}MessageID"),
        timeout=_seconds(header(f"{{{_WSMAN}}}OperationTimeout")),
        shell_id=None if selector is None else (selector.text or "").strip().upper(),
        body=ET.Element("empty") if body is None else body,
    )


def shell_created(request: Request, shell_id: str) -> bytes:
    return _answer(
        request,
        f"""<x:ResourceCreated><a:Address>/wsman</a:Address><a:ReferenceParameters>
<w:ResourceURI>{CMD_SHELL}</w:ResourceURI>
<w:SelectorSet><w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>
</a:ReferenceParameters></x:ResourceCreated>
<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId><rsp:ResourceUri>{CMD_SHELL}</rsp:ResourceUri></rsp:Shell>""",
    )


def command_started(request: Request, command_id: str) -> bytes:
    return _answer(request, f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>")


def received(request: Request, command_id: str, stdout: bytes, stderr: bytes, exit_code: int | None) -> bytes:
    """Output so far; `exit_code` is ``None`` while the command runs."""
    streams = ""
    for name, octets in (("stdout", stdout), ("stderr", stderr)):
        if octets:
            text = base64.b64encode(octets).decode()
            streams += f'<rsp:Stream Name="{name}" CommandId="{command_id}">{text}</rsp:Stream>'
    state = f'<rsp:CommandState CommandId="{command_id}" State="{_SHELL}/CommandState/Running"/>'
    if exit_code is not None:
        streams += "".join(
            f'<rsp:Stream Name="{name}" CommandId="{command_id}" End="true"/>' for name in ("stdout", "stderr")
        )
        state = (
            f'<rsp:CommandState CommandId="{command_id}" State="{_SHELL}/CommandState/Done">'
            f"<rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>"
        )
    return _answer(request, f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>")


def done(request: Request) -> bytes:
    """The empty answer to Send, Signal and Delete."""
    element = {SEND: "<rsp:SendResponse/>", SIGNAL: "<rsp:SignalResponse/>"}.get(request.action, "")
    return _answer(request, element)


def answered(request: Request, body: str) -> bytes:
    """The answer to an action of another kind; `body` is XML."""
    return _answer(request, body)


def fault(request: Request | None, error: WsmanError) -> bytes:
    """Body of an HTTP 500 answer."""
    reason = escape(error.reason)
    body = f"""<s:Fault><s:Code><s:Value>s:Receiver</s:Value>
<s:Subcode><s:Value>{escape(error.subcode)}</s:Value></s:Subcode>
</s:Code><s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason>
<s:Detail><f:WSManFault xmlns:f="{_FAULT}" Code="{error.code}" Machine="lab">
<f:Message>{reason}</f:Message>
</f:WSManFault></s:Detail></s:Fault>"""
    return _envelope(f"{_WSMAN}/fault", request.message_id if request else "", body)


def _answer(request: Request, body: str) -> bytes:
    return _envelope(f"{request.action}Response", request.message_id, body)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    namespaces = {
        "s": _ENVELOPE,
        "a": _ADDRESSING,
        "w": _WSMAN,
        "wsman": _WSMAN,
        "x": _TRANSFER,
        "rsp": _SHELL,
    }
    declared = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in namespaces.items())
    return f"""<s:Envelope {declared} xml:lang="en-US"><s:Header><a:Action>{action}</a:Action>
<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{_ADDRESSING}/role/anonymous</a:To>
<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>""".encode()


def _seconds(duration: str) -> float:
    """An xs:duration of hours, minutes and seconds; 60 (WinRM's default) when it is missing or stranger
    than that."""
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", duration)
    if not duration or match is None:
        return 60.0
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
