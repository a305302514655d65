"""An Ansible inventory's variables, as our connection settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioning.connections.ansible_variables import ansible_host
from provisioning.errors import RequestError
from provisioning.site.windows import Windows
from provisioning.site.workplaces import Workstation

SITE = Windows.model_validate({"credential": {"user": "deploy", "password": "env:PW"}, "trust": "/etc/ca.pem"})
PC = Workstation.model_validate(
    {"asset_tag": "A1", "mac": "02:00:5e:10:00:42", "host": "ws.corp.example", "address": "127.0.0.9"}
)


def test_the_usual_inventory() -> None:
    host = ansible_host(
        {
            "inventory_hostname": "ws-0042",
            "ansible_host": "ws-0042.corp.example",
            "ansible_user": "CORP\\deploy",
            "ansible_password": "s3cret",
            "ansible_connection": "winrm",
            "ansible_port": "5986",
            "ansible_winrm_transport": "ntlm",
            "ansible_winrm_server_cert_validation": "ignore",
            "ansible_shell_type": "powershell",
        }
    )
    windows, workstation = host.applied(SITE, PC)
    assert (workstation.host, workstation.address, windows.credential.user) == (
        "ws-0042.corp.example",
        None,
        "CORP\\deploy",
    )
    assert (windows.scheme, windows.port, windows.transport, windows.verify) == ("https", 5986, "ntlm", False)
    assert windows.trust == Path("/etc/ca.pem")
    assert host.password is not None
    assert host.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(host)


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, {"scheme": "https", "port": 5986}),
        ({"ansible_port": 5985, "ansible_winrm_transport": "ntlm"}, {"scheme": "http", "port": 5985}),
        (
            {"ansible_winrm_scheme": "http", "ansible_winrm_transport": ["kerberos", "ntlm"]},
            {"port": 5985, "transport": "ntlm"},
        ),
        ({"ansible_winrm_transport": "certificate,kerberos,ntlm"}, {"transport": "kerberos"}),
        ({"ansible_winrm_transport": "ssl"}, {"transport": "basic"}),
        ({"ansible_winrm_transport": "credssp"}, {"transport": "credssp", "credssp": True}),
        (
            {"ansible_connection": "psrp", "ansible_psrp_auth": "negotiate", "ansible_psrp_cert_validation": True},
            {"transport": "ntlm", "verify": True},
        ),
        (
            {"ansible_winrm_ca_trust_path": "/x/ca.pem", "ansible_winrm_connection_timeout": "7"},
            {"trust": Path("/x/ca.pem"), "timeout": 7},
        ),
    ],
)
def test_settings(variables: dict[str, Any], settings: dict[str, Any]) -> None:
    found = ansible_host({"inventory_hostname": "pc", **variables}).settings
    assert {name: found[name] for name in settings} == settings


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ansible_connection": "ssh"}, "winrm or psrp"),
        ({"ansible_winrm_path": "/other"}, "only the path /wsman"),
        ({"ansible_winrm_transport": "certificate"}, "none of the transports certificate"),
        ({"ansible_winrm_transport": 3}, "a name or a list"),
        ({"ansible_port": "many"}, "whole number"),
        ({"ansible_winrm_scheme": "gopher"}, "https or http"),
        ({"ansible_winrm_server_cert_validation": "perhaps"}, "validate or ignore"),
        ({"ansible_winrm_scheme": "http", "ansible_winrm_transport": "basic"}, "in clear"),
        ({"ansible_port": 5985}, "in clear"),
        (
            {"ansible_port": 5985, "ansible_winrm_transport": "ntlm", "ansible_winrm_message_encryption": "never"},
            "in clear",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(variables: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        ansible_host({"inventory_hostname": "pc", **variables})


def test_no_name_and_values_out_of_range() -> None:
    with pytest.raises(RequestError, match="has no name"):
        ansible_host({})
    with pytest.raises(RequestError, match="port cannot be used"):
        ansible_host({"inventory_hostname": "pc", "ansible_port": 70000}).applied(SITE, PC)
