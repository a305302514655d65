"""How the makers' phones write their files: names, forms, and the lines of one SIP account. Pure.

Sources: Yealink's "Auto Provisioning Guide" (files ``MAC.cfg``, lines ``name = value``), Grandstream's XML
configuration files (``cfgMAC.xml``, P-values), Cisco's "SPA300/SPA500 Series IP Phones Provisioning Guide"
(``spaMAC.xml``, a flat profile).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from provisioning.site.phones import Family, Transport, is_secret_setting

_MAC = r"([0-9a-f]{12})"
_LARGEST = 1_000_000  # characters of a file that is read
_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_AGAIN = re.compile(r" \([0-9]+\)$")


@dataclass(frozen=True)
class Account:
    """What a phone must know to register: `server` is the SIP domain, `proxy` (host:port) where it really is."""

    extension: str
    display_name: str
    domain: str
    host: str
    port: int
    transport: Transport

    @property
    def proxy(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Format:
    """One family. `account` gives its lines without the password; the lines `user` and `password` are what the phone
    signs in with."""

    family: Family
    file: str
    user: str
    password: str
    account: Callable[[Account], dict[str, str]]
    write: Callable[[Mapping[str, str]], str]
    parse: Callable[[str], dict[str, str]]

    def file_of(self, mac: str) -> str:
        """The name of the file of the phone with a MAC address."""
        return self.file.replace("MAC", mac.replace(":", ""))

    def is_file(self, name: str) -> bool:
        return re.fullmatch(re.escape(self.file).replace("MAC", _MAC), name) is not None

    def is_secret(self, name: str) -> bool:
        """Whether a line's value is nobody's business, also where somebody else wrote it."""
        return is_secret_setting(self.family, name)


# ---------------------------------------------------------------------------------------------------------- Yealink


def _yealink_account(account: Account) -> dict[str, str]:
    return {
        "account.1.enable": "1",
        "account.1.label": account.extension,
        "account.1.display_name": account.display_name,
        "account.1.user_name": account.extension,
        "account.1.auth_name": account.extension,
        "account.1.sip_server.1.address": account.domain,
        "account.1.sip_server.1.port": str(account.port),
        "account.1.sip_server.1.transport_type": {"udp": "0", "tcp": "1", "tls": "2"}[account.transport],
        "account.1.outbound_proxy_enable": "1",
        "account.1.outbound_proxy.1.address": account.host,
        "account.1.outbound_proxy.1.port": str(account.port),
    }


def _write_lines(entries: Mapping[str, str]) -> str:
    # The phone ignores a file whose first line is not this one.
    lines = (f"{_AGAIN.sub('', name)} = {value}" for name, value in entries.items())
    return "\n".join(["#!version:1.0.0.1", *lines, ""])


def _parse_lines(text: str) -> dict[str, str]:
    """A line may stand there several times (``security.user_password = admin:…``, ``… = user:…``): further ones are
    called ``NAME (2)``."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            name = name.strip()
            seen[name] += 1
            found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = value.strip()
    return found


# ------------------------------------------------------------------------------------------------------ Grandstream


def _grandstream_account(account: Account) -> dict[str, str]:
    return {
        "P271": "1",
        "P270": account.extension,
        "P3": account.display_name,
        "P35": account.extension,
        "P36": account.extension,
        "P47": account.domain,
        "P48": account.proxy,
        "P130": {"udp": "0", "tcp": "1", "tls": "2"}[account.transport],
    }


def _write_grandstream(entries: Mapping[str, str]) -> str:
    inside = "".join(f"    <{name}>{escape(value)}</{name}>\n" for name, value in entries.items())
    head = '<?xml version="1.0" encoding="UTF-8" ?>\n<gs_provision version="1">\n'
    return f'{head}  <config version="1">\n{inside}  </config>\n</gs_provision>\n'


def _parse_grandstream(text: str) -> dict[str, str]:
    config = _xml(text, "gs_provision").find("config")
    return {} if config is None else {entry.tag: (entry.text or "").strip() for entry in config}


# -------------------------------------------------------------------------------------------------------- Cisco SPA


def _spa_account(account: Account) -> dict[str, str]:
    return {
        "Line_Enable_1_": "Yes",
        "Short_Name_1_": account.extension,
        "Display_Name_1_": account.display_name,
        "User_ID_1_": account.extension,
        "Use_Auth_ID_1_": "Yes",
        "Auth_ID_1_": account.extension,
        "Proxy_1_": account.domain,
        "Use_Outbound_Proxy_1_": "Yes",
        "Outbound_Proxy_1_": account.proxy,
        "SIP_Transport_1_": account.transport.upper(),
    }


def _write_spa(entries: Mapping[str, str]) -> str:
    # ua="na": the person at the phone neither sees nor changes it.
    inside = "".join(f'  <{name} ua="na">{escape(value)}</{name}>\n' for name, value in entries.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<flat-profile>\n{inside}</flat-profile>\n'


def _parse_spa(text: str) -> dict[str, str]:
    return {entry.tag: (entry.text or "").strip() for entry in _xml(text, "flat-profile")}


def _xml(text: str, root: str) -> ElementTree.Element:
    """Raises :class:`ValueError`. What could blow up (entities, size) is refused before it is read."""
    if len(text) > _LARGEST or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("is larger than a phone's file, or declares entities")
    try:
        found = ElementTree.fromstring(text.encode("utf-8"))  # noqa: S314  (declarations were refused above)
    except ElementTree.ParseError as exc:
        raise ValueError(f"is no XML ({exc})") from exc
    if found.tag != root:
        raise ValueError(f"is no <{root}> but <{found.tag[:40]}>")
    return found


_FORMATS = (
    Format(
        "yealink",
        "MAC.cfg",
        "account.1.user_name",
        "account.1.password",
        _yealink_account,
        _write_lines,
        _parse_lines,
    ),
    Format("grandstream", "cfgMAC.xml", "P35", "P34", _grandstream_account, _write_grandstream, _parse_grandstream),
    Format("cisco-spa", "spaMAC.xml", "User_ID_1_", "Password_1_", _spa_account, _write_spa, _parse_spa),
)
FAMILIES: Mapping[Family, Format] = {one.family: one for one in _FORMATS}


def family_of(file: str) -> Format | None:
    """The family whose phones fetch a file of that name."""
    return next((family for family in FAMILIES.values() if family.is_file(file)), None)


def writable(family: Format, name: str, value: str) -> bool:
    """Whether a line can hold a value as it is."""
    if not value.isprintable() or value != value.strip():
        return False
    return "=" not in name if family.family == "yealink" else _XML_NAME.fullmatch(name) is not None
