"""Sessions on a PC: a quota or a lost shell is met by one new shell, and a command is never sent twice otherwise."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import winrm.exceptions
from pydantic import SecretStr

from provisioning.connections.sign_ins import SignIn
from provisioning.connections.windows import open_session
from provisioning.connections.winrm import STILL_ACTIVE, WinRm
from provisioning.errors import RejectedError, SecretError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site.load import load

EXAMPLE = Path(__file__).parents[2] / "inventories/example"
OPERATIONS, UNKNOWN_SHELL, DENIED = 2150859174, 2150858843, 0x80070005


class Talking:
    """A protocol whose command prints something each second of `clock`, and ends when it has no more to say."""

    operation_timeout_sec = 10

    def __init__(self, clock: list[float], *pieces: bytes, ends: bool) -> None:
        self.clock, self.pieces, self.ends = clock, list(pieces), ends
        self.cleaned = 0

    def open_shell(self, codepage: int) -> str:
        return "shell"

    def run_command(self, shell: str, line: str) -> str:
        return "command"

    def get_command_output_raw(self, shell: str, command: str) -> tuple[bytes, bytes, int, bool]:
        self.clock[0] += 1
        if not self.pieces:
            return b"", b"", 0 if self.ends else -1, self.ends
        return self.pieces.pop(0), b"", -1, False

    def cleanup_command(self, shell: str, command: str) -> None:
        self.cleaned += 1


@pytest.mark.parametrize(("ends", "code"), [(True, 0), (False, STILL_ACTIVE)])
def test_with_steps_the_time_begins_anew_with_each(monkeypatch: pytest.MonkeyPatch, ends: bool, code: int) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    protocol = Talking(clock, *[b"x"] * 10, ends=ends)
    result = commands(protocol).run("steps.cmd", timeout=3, steps=True)
    assert (result.exit_code, result.stdout) == (code, "x" * 10)
    assert protocol.cleaned == 1, "what still runs is ended"
    with pytest.raises(RejectedError, match="did not finish in its time"):
        commands(Talking(clock, *[b"x"] * 10, ends=ends)).run("steps.cmd", timeout=3)


def test_the_environment_says_nothing_about_the_way_to_a_pc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    inventory = load(EXAMPLE)
    session = open_session("windows:WS-0042", inventory, Secrets(inventory.folder, tmp_path), SecretStr("given"))
    made = session._commands._protocol.transport.build_session()
    assert not made.trust_env, "looking there changes no_proxy for all threads while it lasts"
    assert made.proxies == {}
    assert made.verify == str(inventory.windows.trust)
    assert made is session._commands._protocol.transport.build_session()
    session.close()


class Protocol:
    """Gives a fault for the first commands."""

    def __init__(self, *faults: int) -> None:
        self.faults = list(faults)
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.tried: list[str] = []

    def open_shell(self, codepage: int) -> str:
        assert codepage == 65001
        self.opened.append(f"shell {len(self.opened) + 1}")
        return self.opened[-1]

    def close_shell(self, shell: str, close_session: bool) -> None:
        self.closed.append(shell)

    def run_command(self, shell: str, line: str) -> str:
        self.tried.append(shell)
        if self.faults:
            raise winrm.exceptions.WSManFaultError(500, "m", "r", "x", wsman_fault_code=self.faults.pop(0))
        return "command"


def commands(protocol: Protocol | Talking) -> Any:
    made = object.__new__(WinRm)
    sign_in = SignIn("windows:PC", "test", "user", "password")
    made.__dict__.update(_target="windows:PC", _where="PC", _protocol=protocol, _shell=None, _sign_in=sign_in)
    made._windows = load(EXAMPLE).windows
    return made


@pytest.mark.parametrize("fault", [OPERATIONS, UNKNOWN_SHELL])
def test_a_full_or_lost_shell_is_replaced(fault: int) -> None:
    protocol = Protocol(fault)
    assert commands(protocol)._begin("hostname") == ("shell 2", "command")
    assert protocol.closed == ["shell 1"]
    assert protocol.tried == ["shell 1", "shell 2"]


def test_a_quota_that_stays_is_somebody_elses_work() -> None:
    protocol = Protocol(OPERATIONS, OPERATIONS)
    with pytest.raises(UnreachableError, match="refused"):
        commands(protocol)._begin("hostname")
    assert len(protocol.tried) == 2


def test_any_other_fault_is_final() -> None:
    protocol = Protocol(DENIED)
    with pytest.raises(RejectedError):
        commands(protocol)._begin("hostname")
    assert protocol.tried == ["shell 1"]


def test_somebody_elses_password_is_taken_instead_of_the_sites(tmp_path: Path) -> None:
    inventory = load(EXAMPLE)  # its secrets are files of a lab that need not stand
    nowhere = inventory.windows.credential.model_copy(update={"password": f"file:{tmp_path / 'nowhere'}"})
    windows = inventory.windows.model_copy(update={"credential": nowhere})
    inventory = inventory.model_copy(update={"windows": windows})
    with pytest.raises(SecretError):
        open_session("windows:WS-0042", inventory, Secrets(inventory.folder, tmp_path))
    session = open_session("windows:WS-0042", inventory, Secrets(inventory.folder, tmp_path), SecretStr("given"))
    assert session._commands._protocol.transport.password == "given"
    session.close()
