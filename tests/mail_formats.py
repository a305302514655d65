"""The published structure of what mail programs are told, written down by itself: it shares nothing with the code that
makes the documents.

* config-v1.1.xml: draft-ietf-mailmaint-autoconfig, "XML Configuration File"; Mozilla wiki,
  Thunderbird:Autoconfiguration:ConfigFileFormat.
* autodiscover.xml: Microsoft Learn, "Protocol (POX)" and its children; [MS-OXDSCLI] 2.2.4.1.1.2.6 for Encryption.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

_RESPONSE = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
_OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
_HOST = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
_PORT = r"[1-9]\d{0,4}"


@dataclass(frozen=True)
class Element:
    """What an element may be: `text` is a pattern for what it says, `children` are (name, how often at least, at
    most), in this order where `ordered`."""

    text: str = ""
    children: Sequence[tuple[str, int, int]] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = False


_SERVER = [("hostname", 1, 1), ("port", 1, 1), ("socketType", 1, 1), ("username", 1, 1), ("authentication", 1, 9)]
CONFIG = {
    "clientConfig": Element(children=[("emailProvider", 1, 1)], attributes={"version": r"1\.1"}),
    "emailProvider": Element(
        children=[
            ("domain", 1, 999),
            ("displayName", 0, 1),
            ("displayShortName", 0, 1),
            ("incomingServer", 1, 9),
            ("outgoingServer", 1, 9),
        ],
        attributes={"id": _HOST},
    ),
    "domain": Element(_HOST),
    "displayName": Element(".{1,60}"),
    "displayShortName": Element(".{1,60}"),
    "incomingServer": Element(children=_SERVER, attributes={"type": "imap|pop3"}),
    "outgoingServer": Element(children=_SERVER, attributes={"type": "smtp"}),
    "hostname": Element(_HOST),
    "port": Element(_PORT),
    "socketType": Element("SSL|STARTTLS"),  # the format also has plain, which we never want to see
    "username": Element("%EMAILADDRESS%|%EMAILLOCALPART%"),
    "authentication": Element("password-cleartext|GSSAPI"),
}
_ACCOUNT = {"AccountType": (1, 1), "Action": (1, 1), "Protocol": (1, 9)}
_PROTOCOL = {
    **dict.fromkeys(("Type", "Server", "Port"), (1, 1)),
    "LoginName": (0, 1),
    **dict.fromkeys(("DomainRequired", "SPA", "SSL", "Encryption", "AuthRequired"), (1, 1)),
    "UsePOPAuth": (0, 1),
}


def _outlook(names: Mapping[str, tuple[int, int]]) -> list[tuple[str, int, int]]:
    return [(f"{_OUTLOOK}{name}", least, most) for name, (least, most) in names.items()]


_SWITCHES = ("DomainRequired", "SPA", "SSL", "AuthRequired", "UsePOPAuth")
AUTODISCOVER = {
    f"{_RESPONSE}Autodiscover": Element(children=_outlook({"Response": (1, 1)})),
    f"{_OUTLOOK}Response": Element(children=_outlook({"Account": (1, 1)})),
    f"{_OUTLOOK}Account": Element(children=_outlook(_ACCOUNT), ordered=True),
    f"{_OUTLOOK}AccountType": Element("email"),
    f"{_OUTLOOK}Action": Element("settings"),
    f"{_OUTLOOK}Protocol": Element(children=_outlook(_PROTOCOL), ordered=True),
    f"{_OUTLOOK}Type": Element("IMAP|SMTP"),
    f"{_OUTLOOK}Server": Element(_HOST),
    f"{_OUTLOOK}Port": Element(_PORT),
    f"{_OUTLOOK}LoginName": Element(".+"),
    **{f"{_OUTLOOK}{name}": Element("on|off") for name in _SWITCHES},
    f"{_OUTLOOK}Encryption": Element("SSL|TLS"),  # the format also has None and Auto, which would allow plain text
}


def faults(document: bytes, structure: Mapping[str, Element]) -> list[str]:
    """What of a document is not as its format wants it; the first element of `structure` is the root."""
    root = ElementTree.fromstring(document)  # noqa: S314  (made by us, in a test)
    first = next(iter(structure))
    return [f"the root is {root.tag}"] if root.tag != first else list(_faults(root, structure))


def _faults(element: ElementTree.Element, structure: Mapping[str, Element]) -> Iterator[str]:
    wanted = structure.get(element.tag)
    if wanted is None:
        yield f"there is no element {element.tag}"
        return
    text = (element.text or "").strip()
    if not re.fullmatch(wanted.text, text):
        yield f"{element.tag} says {text!r}"
    if dict.fromkeys(element.attrib) != dict.fromkeys(wanted.attributes):
        yield f"{element.tag} has the attributes {list(element.attrib)}"
    for name, value in element.attrib.items():
        if not re.fullmatch(wanted.attributes.get(name, ""), value):
            yield f"{element.tag}: {name} is {value!r}"
    names = [child.tag for child in element]
    order = [name for name, _, _ in wanted.children]
    for name, least, most in wanted.children:
        if not least <= names.count(name) <= most:
            yield f"{element.tag} has {names.count(name)} {name}"
    if wanted.ordered and [order.index(name) for name in names if name in order] != sorted(
        order.index(name) for name in names if name in order
    ):
        yield f"the order in {element.tag} is {names}"
    for name in set(names) - set(order):
        yield f"{element.tag} has a child {name}"
    for child in element:
        yield from _faults(child, structure)
