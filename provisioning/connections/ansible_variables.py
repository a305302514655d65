"""What an Ansible inventory says about a Windows host, as our connection settings. Pure: no files, no network.

Understood are the variables of the connection plugins ``ansible.builtin.winrm`` and ``ansible.builtin.psrp`` (their
documentation lists name, alias and default of each). A value that we cannot honour is refused; variables that do not
matter to us (a shell type, a PowerShell session name) are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from provisioning.errors import RequestError
from provisioning.site.windows import Windows
from provisioning.site.workplaces import Workstation

_TRANSPORTS = {"ntlm": "ntlm", "basic": "basic", "plaintext": "basic", "ssl": "basic"} | {
    "kerberos": "kerberos",
    "credssp": "credssp",
    "negotiate": "ntlm",
}
_TRUE = frozenset({"true", "yes", "on", "1", "validate"})
_FALSE = frozenset({"false", "no", "off", "0", "ignore"})
_HTTP_PORT, _HTTPS_PORT = 5985, 5986

_NAMES: Mapping[str, tuple[str, ...]] = {
    "host": ("ansible_winrm_host", "ansible_psrp_host", "ansible_host", "inventory_hostname"),
    "user": ("ansible_winrm_user", "ansible_psrp_user", "ansible_user", "ansible_ssh_user"),
    "password": (
        *("ansible_winrm_password", "ansible_winrm_pass", "ansible_psrp_password"),
        *("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    ),
    "port": ("ansible_winrm_port", "ansible_psrp_port", "ansible_port", "ansible_ssh_port"),
    "scheme": ("ansible_winrm_scheme", "ansible_psrp_protocol"),
    "path": ("ansible_winrm_path", "ansible_psrp_path"),
    "transport": ("ansible_winrm_transport", "ansible_psrp_auth"),
    "verify": ("ansible_winrm_server_cert_validation", "ansible_psrp_cert_validation"),
    "trust": ("ansible_winrm_ca_trust_path", "ansible_psrp_ca_cert"),
    "encryption": ("ansible_winrm_message_encryption", "ansible_psrp_message_encryption"),
    "timeout": ("ansible_winrm_connection_timeout", "ansible_psrp_connection_timeout", "ansible_timeout"),
}
"""What we need → the variables that say it, the first one that is set counts."""

VARIABLES = frozenset({"ansible_connection", *(name for names in _NAMES.values() for name in names)})
"""Every variable that is looked at."""

PASSWORDS = frozenset(_NAMES["password"])
"""Those that hold a secret."""


@dataclass(frozen=True)
class AnsibleHost:
    """One Windows host of an Ansible inventory. `settings` are the fields of :class:`Windows` that it decides
    on; what is left open stays as the site says."""

    host: str
    user: str | None
    password: SecretStr | None
    settings: Mapping[str, Any]

    def applied(self, windows: Windows, workstation: Workstation) -> tuple[Windows, Workstation]:
        """The site's settings with the inventory's over them. Raises :class:`RequestError` for values out of range."""
        credential = windows.credential.model_copy(update={"user": self.user} if self.user else {})
        try:
            # What is there is valid already, only ours is new; a site path must not be made absolute twice.
            checked = Windows.model_validate({**windows.model_dump(), **self.settings, "credential": credential})
            standing = Workstation.model_validate({**workstation.model_dump(), "host": self.host, "address": None})
        except ValidationError as exc:
            first = exc.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RequestError(f"{self.host}: the inventory's {where} cannot be used: {first['msg']}") from exc
        return checked, standing


def ansible_host(variables: Mapping[str, Any]) -> AnsibleHost:
    """The connection settings in the variables of one host. Raises :class:`RequestError` for what we cannot honour."""
    found = {what: _first(variables, names) for what, names in _NAMES.items()}
    host = _text(found["host"])
    if host is None:
        raise RequestError("the host has no name; expected ansible_host or inventory_hostname among its variables")
    connection = _text(variables.get("ansible_connection"))
    if connection not in {None, "winrm", "psrp", "ansible.builtin.winrm", "ansible.builtin.psrp"}:
        raise RequestError(f"{host}: ansible_connection is {connection!r}; a Windows PC is reached by winrm or psrp")
    if _text(found["path"]) not in {None, "wsman", "/wsman"}:
        raise RequestError(f"{host}: only the path /wsman is supported, not {found['path']!r}")
    scheme, port = _where(host, found)
    transport = _transport(host, found["transport"], scheme)
    if scheme == "http" and (transport != "ntlm" or _text(found["encryption"]) == "never"):
        raise RequestError(
            f"{host}: {transport or 'basic'} over http would go in clear; use https, or ntlm with encryption"
        )
    settings: dict[str, Any] = {"scheme": scheme, "port": port}
    if transport is not None:
        settings |= {"transport": transport, "credssp": transport == "credssp"}
    if (verify := _flag(host, found["verify"])) is not None:
        settings["verify"] = verify
    if (trust := _text(found["trust"])) is not None:
        settings["trust"] = Path(trust).expanduser()
    if found["timeout"] is not None:
        settings["timeout"] = _whole(host, "timeout", found["timeout"])
    password = _text(found["password"])
    return AnsibleHost(host, _text(found["user"]), None if password is None else SecretStr(password), settings)


def _where(host: str, found: Mapping[str, Any]) -> tuple[str, int]:
    """Scheme and port, each deciding on the other where one is missing, as Ansible does it."""
    port = None if found["port"] is None else _whole(host, "port", found["port"])
    scheme = _text(found["scheme"])
    if scheme is None:
        scheme = "http" if port == _HTTP_PORT else "https"
    if scheme not in {"http", "https"}:
        raise RequestError(f"{host}: the scheme is {scheme!r}; expected https or http")
    return scheme, port or (_HTTP_PORT if scheme == "http" else _HTTPS_PORT)


def _transport(host: str, given: Any, scheme: str) -> str | None:
    """The first transport that we have too; Ansible takes a list, or a text with commas."""
    if given is None:
        return None
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        raise RequestError(f"{host}: the transport is {given!r}; expected a name or a list of names")
    wanted = [str(name).strip().lower() for name in names]
    usable = [_TRANSPORTS[name] for name in wanted if name in _TRANSPORTS]
    usable = [name for name in usable if scheme == "https" or name == "ntlm"] or usable
    if not usable:
        raise RequestError(
            f"{host}: none of the transports {', '.join(wanted)} is supported; use {', '.join(_TRANSPORTS)}"
        )
    return usable[0]


def _first(variables: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((variables[name] for name in names if variables.get(name) is not None and variables[name] != ""), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _flag(host: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise RequestError(f"{host}: the certificate validation is {value!r}; expected validate or ignore")
    return word in _TRUE


def _whole(host: str, what: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise RequestError(f"{host}: the {what} is {value!r}; expected a whole number") from None
