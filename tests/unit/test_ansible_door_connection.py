"""Connection variables of the host, laid over the site's settings for it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

import pytest

from provisioning.ansible_door.connection_variables import host_of, said_of, secrets_in
from provisioning.api import Site
from provisioning.errors import RequestError

PC, SWITCH = "WS-0042", "sw-b2-1"


@pytest.fixture(scope="module")
def site() -> Site:
    return Site.load("inventories/example")


def test_only_the_variables_that_matter_are_templated() -> None:
    looked_at: list[Any] = []

    def template(value: Any) -> Any:
        looked_at.append(value)
        return f"<{value}>"

    found = said_of(
        "workstation", {"ansible_user": "u", "other": "{{ fails }}", "ansible_winrm_transport": "x"}, template
    )
    assert found == {"ansible_user": "<u>", "ansible_winrm_transport": "<x>"}
    assert looked_at == ["u", "x"]
    assert said_of(None, {"ansible_user": "u"}, template) == {}


def test_what_is_empty_is_not_said() -> None:
    given = {"ansible_user": "", "ansible_password": None, "ansible_winrm_transport": ["ntlm", "basic"]}
    assert said_of("workstation", given, lambda value: value) == {"ansible_winrm_transport": ["ntlm", "basic"]}


@pytest.mark.parametrize("kept", ["secret\n", "secret\r\n", "secret"])
def test_a_password_loses_the_line_end_that_encrypt_string_keeps(kept: str) -> None:
    assert said_of("switch", {"ansible_password": kept}, lambda value: value) == {"ansible_password": "secret"}


def test_passwords_are_secrets() -> None:
    said = {
        "ansible_password": "one",
        "ansible_become_password": "two",
        "ansible_winrm_pass": "three",
        "ansible_user": "u",
    }
    assert secrets_in(said) == {"one", "two", "three"}


@pytest.mark.parametrize("host", [PC, PC.lower(), "ws-0042.corp.example"])
def test_a_pc_of_the_site_is_found_by_its_names(site: Site, host: str) -> None:
    assert host_of(site, "workstation", host, {}) == (site, f"windows:{PC}")


def test_a_pc_is_found_by_its_address_and_nothing_is_laid_over_it(site: Site) -> None:
    address = str(site.inventory.workstations[PC].address)
    assert host_of(site, "workstation", "desk-7", {"ansible_host": address}) == (site, f"windows:{PC}")
    assert host_of(site, "workstation", PC, {"ansible_connection": "local"}) == (site, f"windows:{PC}")


def test_user_and_password_alone_leave_the_rest_as_the_site_says(site: Site) -> None:
    found, target = host_of(site, "workstation", PC, {"ansible_user": "admin", "ansible_password": "canary-1"})
    windows, before = found.inventory.windows, site.inventory.windows
    assert target == f"windows:{PC}"
    assert windows.credential.user == "admin"
    assert found.secrets.resolve(windows.credential.password).get_secret_value() == "canary-1"
    assert (windows.port, windows.scheme, windows.transport, windows.verify) == (
        before.port, before.scheme, before.transport, before.verify,
    )  # fmt: skip
    assert found.inventory.workstations[PC] == site.inventory.workstations[PC]
    assert "canary-1" not in repr(found)
    assert "canary-1" not in str(found.inventory.model_dump())


def test_another_way_to_a_pc_of_the_site(site: Site) -> None:
    said = {"ansible_host": "10.9.9.9", "ansible_port": "15986", "ansible_winrm_server_cert_validation": "ignore"}
    found, target = host_of(site, "workstation", PC, said)
    assert target == f"windows:{PC}"
    assert found.inventory.workstations[PC].host == "10.9.9.9"
    assert (found.inventory.windows.port, found.inventory.windows.verify) == (15986, False)
    assert site.inventory.workstations[PC].host != "10.9.9.9"


def test_a_pc_that_the_site_does_not_know(site: Site) -> None:
    said = {
        "ansible_host": "192.0.2.7",
        "ansible_user": "admin",
        "ansible_password": "x",
        "ansible_connection": "winrm",
    }
    found, target = host_of(site, "workstation", "reception", said)
    assert target == "windows:reception"
    assert found.inventory.workstations["reception"].host == "192.0.2.7"
    assert found.wired.workstations["reception"].workplace is None


def test_a_host_that_is_nothing_we_know_is_refused_with_a_suggestion(site: Site) -> None:
    with pytest.raises(RequestError, match=r"no workstation 'WS-0024'.*give it ansible_host"):
        host_of(site, "workstation", "WS-0024", {})
    with pytest.raises(RequestError, match=r"no switch 'sw-b2-9'.*sw-b2-"):
        host_of(site, "switch", "sw-b2-9", {"ansible_host": "192.0.2.7"})


def test_a_switch_as_the_inventory_says(site: Site) -> None:
    said = {
        "ansible_host": "192.0.2.8",
        "ansible_port": "2222",
        "ansible_user": "netadmin",
        "ansible_password": "canary-2",
        "ansible_become_password": "canary-3",
        "ansible_network_os": "arista.eos.eos",
    }
    found, target = host_of(site, "switch", SWITCH, said)
    before, after = site.inventory.network.switches[SWITCH], found.inventory.network.switches[SWITCH]
    assert target == f"switch:{SWITCH}"
    assert (after.ssh.host, after.ssh.address, after.ssh.port) == (before.ssh.host, IPv4Address("192.0.2.8"), 2222)
    assert (after.credential.user, after.dialect) == ("netadmin", "eos")
    assert after.enable is not None
    assert found.secrets.resolve(after.credential.password).get_secret_value() == "canary-2"
    assert found.secrets.resolve(after.enable).get_secret_value() == "canary-3"
    assert (after.uplinks, after.known_hosts) == (before.uplinks, before.known_hosts)
    others = {name: one for name, one in found.inventory.network.switches.items() if name != SWITCH}
    assert others == {name: one for name, one in site.inventory.network.switches.items() if name != SWITCH}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"ansible_network_os": "cisco.asa.asa"}, "ansible_network_os is 'cisco.asa.asa'; expected one of: "),
        ({"ansible_port": "many"}, "the inventory's port cannot be used"),
        ({"ansible_host": "no host!"}, "the inventory's host cannot be used"),
    ],
)
def test_values_for_a_switch_that_cannot_be_used(site: Site, said: Mapping[str, str], expected: str) -> None:
    with pytest.raises(RequestError, match=expected):
        host_of(site, "switch", SWITCH, said)
