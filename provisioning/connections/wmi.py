"""Calling a WMI method on a PC over the WinRM connection that is there anyway (DSP0226, "Custom actions";
DSP0227, "Extrinsic methods").

No program is started on the PC, so nothing of it can be missing there (``wmic`` is no longer part of Windows 11) and no
text of it is in the PC's own language.
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

CLASSES = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/"
_ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
_TIMEOUT = 60  # seconds that the PC may take


def invocation(class_name: str, key: Mapping[str, str], method: str, arguments: Mapping[str, str]) -> bytes:
    """The message that calls `method` of the one instance whose key properties are `key`, of the class itself when
    there are none. Arguments that are left out are null."""
    resource = CLASSES + class_name
    selectors = "".join(
        f"<w:Selector Name={quoteattr(name)}>{escape(value)}</w:Selector>" for name, value in key.items()
    )
    selected = f"<w:SelectorSet>{selectors}</w:SelectorSet>" if selectors else ""  # never an empty one (DSP0226)
    given = "".join(f"<p:{name}>{escape(value)}</p:{name}>" for name, value in arguments.items())
    return (
        f'<s:Envelope xmlns:s="{_ENVELOPE}" xmlns:a="{_ADDRESSING}" xmlns:w="{_WSMAN}"><s:Header>'
        f"<a:To>http://windows-host:5985/wsman</a:To>"
        f'<a:ReplyTo><a:Address s:mustUnderstand="true">{_ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>'
        f'<w:MaxEnvelopeSize s:mustUnderstand="true">153600</w:MaxEnvelopeSize>'
        f"<a:MessageID>uuid:{uuid.uuid4()}</a:MessageID><w:OperationTimeout>PT{_TIMEOUT}S</w:OperationTimeout>"
        f'<w:ResourceURI s:mustUnderstand="true">{resource}</w:ResourceURI>'
        f'<a:Action s:mustUnderstand="true">{resource}/{method}</a:Action>'
        f"{selected}</s:Header>"
        f'<s:Body><p:{method}_INPUT xmlns:p="{resource}">{given}</p:{method}_INPUT></s:Body></s:Envelope>'
    ).encode()


def returned(answer: bytes) -> int:
    """The method's ReturnValue. Raises :class:`ValueError` for what is no answer to a call."""
    if b"<!DOCTYPE" in answer or b"<!ENTITY" in answer:
        raise ValueError("document types are not allowed")
    try:
        root = ET.fromstring(answer)  # noqa: S314 - entities are refused above
    except ET.ParseError as exc:
        raise ValueError(f"not XML: {exc}") from exc
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "ReturnValue" and element.text:
            return int(element.text)
    raise ValueError("no ReturnValue in it")
