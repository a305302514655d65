"""The connection variables of the task's host, laid over the site's settings for that one target, so that an existing
inventory works as it is. Nothing of them is kept: a run that is resumed elsewhere later uses the site's own settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from pydantic import SecretStr, ValidationError

from provisioning.ansible_door.definition import HostIs
from provisioning.api import Site
from provisioning.connections.ansible_variables import PASSWORDS, VARIABLES, ansible_host
from provisioning.errors import RequestError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Credential, Endpoint, Reference
from provisioning.site.inventory import nearest
from provisioning.site.network import Switch
from provisioning.site.workplaces import Workstation

_SWITCH: Mapping[str, tuple[str, ...]] = {
    "host": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "password": ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    "enable": ("ansible_become_password", "ansible_become_pass"),
    "network_os": ("ansible_network_os",),
}
"""What we need of a switch → the variables of ``ansible.netcommon.network_cli`` that say it, the first one counts."""
_SECRET = frozenset({*PASSWORDS, *_SWITCH["password"], *_SWITCH["enable"]})

_DIALECTS = {
    "aoscx": "aoscx", "arubanetworks.aoscx.aoscx": "aoscx",
    "eos": "eos", "arista.eos.eos": "eos",
    "ios": "ios", "cisco.ios.ios": "ios",
    "nxos": "nxos", "cisco.nxos.nxos": "nxos",
    "junos": "junos", "junipernetworks.junos.junos": "junos",
    "os10": "os10", "dellemc.os10.os10": "os10", "dellos10": "os10",
    "ce": "vrp", "community.network.ce": "vrp",
    "procurve": "procurve", "ovs": "ovs",
}  # fmt: skip
"""``ansible_network_os`` → our dialect."""

_PLACE = "connection"
"""Scheme of the references to passwords that came with the task: they are in this process alone."""


@dataclass(frozen=True)
class HostSite(Site):
    """A site of which one host is reached as the inventory says. `passwords`: reference → value."""

    passwords: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)

    @cached_property
    def secrets(self) -> Secrets:
        """The site's secrets, and those that came with the task."""
        return _TaskSecrets.with_passwords(self.inventory, self.passwords)


class _TaskSecrets(Secrets):
    """The secrets of a site and the passwords of one task."""

    passwords: Mapping[str, SecretStr] = {}

    @classmethod
    def with_passwords(cls, inventory: Inventory, passwords: Mapping[str, SecretStr]) -> _TaskSecrets:
        """The secrets of `inventory`, and `passwords`: reference → value."""
        made = cls(
            inventory.folder,
            inventory.handover,
            inventory.secrets,
            inventory.phones.passwords if inventory.phones is not None else None,
        )
        made.passwords = passwords
        return made

    def resolve(self, reference: str) -> SecretStr:
        """The value behind a reference."""
        return self.passwords[reference] if reference in self.passwords else super().resolve(reference)


def said_of(
    host_is: HostIs | None, variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> Mapping[str, str | list[str]]:
    """The connection variables that are set for the host, templated and, where they are vaulted, opened. Others are not
    looked at: they may not be ours to template."""
    names = {
        None: frozenset[str](),
        "workstation": VARIABLES,
        "switch": frozenset(name for names in _SWITCH.values() for name in names),
    }[host_is]
    found = {name: template(variables[name]) for name in sorted(names) if name in variables}
    words: dict[str, str | list[str]] = {
        name: [str(one) for one in value] if isinstance(value, (list, tuple)) else str(value)
        for name, value in found.items()
        if value is not None and value != ""
    }
    for name in _SECRET & words.keys():  # `ansible-vault encrypt_string` keeps the line end of what it is given
        words[name] = str(words[name]).removesuffix("\n").removesuffix("\r")
    return words


def secrets_in(said: Mapping[str, Any]) -> set[str]:
    """The passwords among the variables: no result may hold them."""
    return {str(said[name]) for name in _SECRET if name in said}


def host_of(site: Site, host_is: HostIs | None, host: str, said: Mapping[str, Any]) -> tuple[Site, str]:
    """The site as the task shall see it, and its host in our words (``windows:WS-0042``). Raises
    :class:`RequestError` for a host that is nothing we know."""
    if host_is is None:
        return site, ""
    return _workstation(site, host, said) if host_is == "workstation" else _switch(site, host, said)


def _workstation(site: Site, host: str, said: Mapping[str, Any]) -> tuple[Site, str]:
    inventory = site.inventory
    named = {name.casefold() for name in (host, said.get("ansible_host")) if name}
    known = site.wired.workstations
    key = next((name for name, one in known.items() if named & _names(name, one)), None)
    words = {name: value for name, value in said.items() if name != "inventory_hostname"}
    if key is None and not words.keys() - {"ansible_connection"}:
        raise RequestError(
            f"the site has no workstation {host!r}{nearest(host, known)}, and its host has no connection variables; "
            "name it in the site, or give it ansible_host, ansible_user and ansible_password"
        )
    standing = _unknown(host) if key is None else inventory.workstations[key]
    key = key or host
    if not words.keys() - {"ansible_connection"} or _same_host(words, standing):
        return site, f"windows:{key}"
    # What the inventory leaves open stays as the site says.
    if not {"ansible_host", "ansible_winrm_host", "ansible_psrp_host"} & words.keys():
        words["ansible_host"] = standing.host if inventory.workstations.get(key) else host
    if not any(name.rpartition("_")[2] in {"port", "scheme", "protocol"} for name in words):
        words |= {"ansible_winrm_scheme": inventory.windows.scheme, "ansible_winrm_port": str(inventory.windows.port)}
    if words.get("ansible_connection") in {"local", "smart", "ssh", "ansible.builtin.local", "ansible.builtin.ssh"}:
        del words["ansible_connection"]  # what other modules use; we do not
    theirs = ansible_host(words)
    windows, overlaid = theirs.applied(inventory.windows, standing)
    if theirs.host in {standing.host, str(standing.address)}:
        overlaid = standing
    passwords: dict[str, SecretStr] = {}
    if theirs.password is not None:
        reference = Reference(f"{_PLACE}:{key}")
        passwords[reference] = theirs.password
        credential = windows.credential.model_copy(update={"password": reference})
        windows = windows.model_copy(update={"credential": credential})
    workstations = {**inventory.workstations, key: overlaid}
    return HostSite(
        inventory.model_copy(update={"windows": windows, "workstations": workstations}), passwords
    ), f"windows:{key}"


def _names(key: str, workstation: Workstation) -> set[str]:
    names = (key, workstation.host, workstation.computer_name, workstation.address)
    return {str(name).casefold() for name in names if name is not None}


def _same_host(words: Mapping[str, Any], workstation: Workstation) -> bool:
    """Whether the inventory says nothing but where the site says that the PC is."""
    here = {workstation.host.casefold(), str(workstation.address)}
    others = words.keys() - {"ansible_host", "ansible_connection"}
    return not others and str(words.get("ansible_host")).casefold() in here


def _unknown(host: str) -> Workstation:
    """A PC that the site does not have: nothing is known of it but where it answers."""
    return Workstation.model_construct(asset_tag="unknown", mac="02:00:00:00:00:00", host=host)


def _switch(site: Site, host: str, said: Mapping[str, Any]) -> tuple[Site, str]:
    known = site.inventory.network.switches
    words = {what: next((said[n] for n in names if n in said), None) for what, names in _SWITCH.items()}
    named = {name.casefold() for name in (host, words["host"]) if name}
    key = next((name for name, one in known.items() if named & _places(name, one)), None)
    if key is None:
        raise RequestError(f"the site has no switch {host!r}{nearest(host, known)}; its switches are in network:")
    if not any(words.values()):
        return site, f"switch:{key}"
    passwords: dict[str, SecretStr] = {}
    overlaid = _overlaid(host, key, known[key], words, passwords)
    network = site.inventory.network.model_copy(update={"switches": {**known, key: overlaid}})
    return HostSite(site.inventory.model_copy(update={"network": network}), passwords), f"switch:{key}"


def _places(key: str, switch: Switch) -> set[str]:
    names = (key, switch.ssh.host, switch.ssh.address)
    return {str(name).casefold() for name in names if name is not None}


def _overlaid(host: str, key: str, switch: Switch, words: Mapping[str, Any], passwords: dict[str, SecretStr]) -> Switch:
    """A switch as the inventory says; its passwords are added to `passwords`."""
    updates: dict[str, Any] = {"ssh": _endpoint(host, switch.ssh, words)}
    credential: dict[str, Any] = {"user": words["user"]} if words["user"] else {}
    if words["password"]:
        credential["password"] = Reference(f"{_PLACE}:{key}")
        passwords[credential["password"]] = SecretStr(words["password"])
    if words["enable"]:
        updates["enable"] = Reference(f"{_PLACE}:{key}:enable")
        passwords[updates["enable"]] = SecretStr(words["enable"])
    if words["network_os"]:
        if words["network_os"] not in _DIALECTS:
            names = ", ".join(_DIALECTS)
            raise RequestError(f"{host}: ansible_network_os is {words['network_os']!r}; expected one of: {names}")
        updates["dialect"] = _DIALECTS[words["network_os"]]
    updates["credential"] = Credential.model_validate(switch.credential).model_copy(update=credential)
    return switch.model_copy(update=updates)


def _endpoint(host: str, ssh: Endpoint, words: Mapping[str, Any]) -> Endpoint:
    """Where the switch answers. An address of the inventory is connected to; the host key stays that of the site's
    name. Raises :class:`RequestError`."""
    updates: dict[str, Any] = {}
    if words["port"] is not None:
        updates["port"] = words["port"]
    if words["host"] and words["host"].casefold() not in {ssh.host.casefold(), str(ssh.address)}:
        try:
            updates["address"] = IPv4Address(words["host"])
        except AddressValueError:
            updates |= {"host": words["host"], "address": None}
    try:
        return Endpoint.model_validate(ssh.model_dump() | updates)
    except ValidationError as exc:
        first = exc.errors(include_input=False)[0]
        raise RequestError(f"{host}: the inventory's {first['loc'][0]} cannot be used: {first['msg']}") from exc
