"""What our connections call transient: the codes for which it is worth trying again, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import winrm.exceptions
from smbprotocol.exceptions import SMBOSError

from provisioning.connections.ldap_refusals import refusal
from provisioning.connections.smb import SmbFiles
from provisioning.connections.winrm import WinRm
from provisioning.engine.retries import is_transient, pauses
from provisioning.errors import CredentialError, ProvisioningError, RejectedError, TargetError, TrustError


@pytest.mark.parametrize(
    ("code", "transient"), [(51, True), (52, True), (1, False), (50, False), (53, False), (68, False)]
)
def test_ldap(code: int, transient: bool) -> None:
    error = refusal("directory", "adding CN=x", {"result": code, "message": "", "description": "d"})
    assert is_transient(error) is transient
    assert isinstance(error, TargetError)


def _shell() -> Any:
    shell = object.__new__(WinRm)
    shell.__dict__.update(_target="windows:PC", _where="PC", _host="PC", _windows=None)
    return shell


@pytest.mark.parametrize(
    ("code", "transient"),
    [
        (0x803381A5, True),  # shells
        (0x803381A6, True),  # operations
        (0x803381A8, True),  # the system
        (0x803381AB, True),  # users with shells
        (0x803381E8, True),  # operations of a user, of one plug-in
        (0x8033805B, False),  # the shell is unknown
        (0x80070005, False),  # access denied
        (None, False),
    ],
)
def test_winrm_faults(code: int | None, transient: bool) -> None:
    fault = winrm.exceptions.WSManFaultError(500, "m", "r", "reason", wsman_fault_code=code)
    with pytest.raises(TargetError) as caught, _shell()._mapped():
        raise fault
    assert is_transient(caught.value) is transient


@pytest.mark.parametrize(("status", "transient"), [(503, True), (404, False), (500, False)])
def test_winrm_answers(status: int, transient: bool) -> None:
    with pytest.raises(TargetError) as caught, _shell()._mapped():
        raise winrm.exceptions.WinRMTransportError("http", status, "")
    assert is_transient(caught.value) is transient


@pytest.mark.parametrize(("status", "transient"), [(0xC0000043, True), (0xC00000D0, True), (0xC000007F, False)])
def test_smb(status: int, transient: bool) -> None:
    files: Any = object.__new__(SmbFiles)
    files.__dict__.update(_target="windows:PC", _server="PC", _windows=type("W", (), {"smb_port": 445})())
    with pytest.raises(TargetError) as caught, files.mapped("push x.msi"):
        raise SMBOSError(status, "x.msi")
    assert is_transient(caught.value) is transient


@pytest.mark.parametrize("kind", [RejectedError, CredentialError, TrustError])
def test_everything_else_fails_at_once(kind: type[TargetError]) -> None:
    assert not is_transient(kind("directory", "no"))
    assert not is_transient(ProvisioningError("no"))
    assert not is_transient(None)


def test_retries_are_few_and_short() -> None:
    assert list(pauses(3)) == [0.5, 1.0, 2.0]
    assert list(pauses(0)) == []
