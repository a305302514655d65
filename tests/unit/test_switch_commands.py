"""One SSH command a line, on a host that answers as Open vSwitch does: joint lines, exit codes, cut connections."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from provisioning.connections.switch_commands import Commands
from provisioning.dialects import load
from provisioning.errors import RejectedError, UnreachableError

NO_ROW = 'ovs-vsctl: no row "p9" in table Port\n'


class Host:
    """A client as paramiko's. `answers`: command → what it says and its exit code; others say nothing. `-1`: the
    connection is cut before the command ends."""

    def __init__(self, answers: Mapping[str, tuple[str, int]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.ran: list[str] = []
        self.active = True

    def get_transport(self) -> Any:
        return SimpleNamespace(open_session=self._open, is_active=lambda: self.active)

    def _open(self, timeout: float) -> Any:
        if not self.active:
            raise paramiko.SSHException("SSH session not active")
        return Channel(self)


class Channel:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._said, self._code = b"", 0

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None: ...

    def settimeout(self, seconds: float) -> None: ...

    def set_combine_stderr(self, both: bool) -> None: ...

    def exec_command(self, command: str) -> None:
        self._host.ran.append(command)
        text, self._code = self._host.answers.get(command, ("", 0))
        self._said = text.encode()

    def recv(self, size: int) -> bytes:
        piece, self._said = self._said[:7], self._said[7:]
        return piece

    def recv_exit_status(self) -> int:
        if self._code < 0:
            self._host.active = False
        return self._code


def talk(host: Host) -> Commands:
    return Commands(host, load("ovs").manner, "switch:ovs-1", "192.0.2.20")


def test_settings_are_one_transaction() -> None:
    host = Host()
    lines = [
        "ovs-vsctl set port p1 tag=20",
        "ovs-vsctl set port p1 vlan_mode=access trunks=[]",
        "ip link set dev p1 up",
    ]
    answers = talk(host).exchange([*lines, "ovs-vsctl remove port p2 trunks 30", "ovs-vsctl list port"], "test")
    assert host.ran == [
        "ovs-vsctl set port p1 tag=20 -- set port p1 vlan_mode=access trunks=[]",
        "ip link set dev p1 up",
        "ovs-vsctl remove port p2 trunks 30",
        "ovs-vsctl list port",
    ]
    assert [answer.line for answer in answers][:3] == lines
    assert not any(answer.refusal for answer in answers)


def test_of_a_refused_transaction_the_line_at_fault_is_named() -> None:
    first, second, third = (f"ovs-vsctl set port p{n} tag=20" for n in (1, 9, 2))
    whole = f"{first} -- set port p9 tag=20 -- set port p2 tag=20"
    host = Host({whole: (NO_ROW, 1), second: (NO_ROW, 1)})
    answers = talk(host).exchange([first, second, third], "test")
    assert [answer.refusal for answer in answers] == ["", NO_ROW.strip(), ""]
    assert host.ran == [whole, first, second, third]


def test_a_command_that_fails_silently_says_its_exit_code() -> None:
    (answer,) = talk(Host({"ip link set dev p1 up": ("", 2)})).exchange(["ip link set dev p1 up"], "test")
    assert answer.refusal == "exit code 2"


def test_many_settings_are_several_transactions() -> None:
    host = Host()
    lines = [f"ovs-vsctl set port p{n} 'external_ids:description=\"{'x' * 200}\"'" for n in range(400)]
    answers = talk(host).exchange(lines, "test")
    assert len(answers) == 400
    assert 2 < len(host.ran) < 8
    assert max(map(len, host.ran)) < 32_768
    assert sum(command.count("set port") for command in host.ran) == 400


def test_the_bridge_is_asked_for_once() -> None:
    host = Host({"ovs-vsctl list-br": ("br-desks\n", 0), "ovs-appctl fdb/show br-desks": ("port VLAN\n", 0)})
    commands = talk(host)
    for _ in range(2):
        (answer,) = commands.exchange(["ovs-vsctl list interface && ovs-appctl fdb/show {bridge}"], "test")
        assert answer.text == "port VLAN\n"
    assert host.ran.count("ovs-vsctl list-br") == 1


@pytest.mark.parametrize(("bridges", "said"), [("a\nb\n", "has a, b"), ("", "has none")])
def test_several_bridges_or_none_are_refused(bridges: str, said: str) -> None:
    host = Host({"ovs-vsctl list-br": (bridges, 0)})
    with pytest.raises(RejectedError, match=said):
        talk(host).exchange(["ovs-appctl fdb/show {bridge}"], "test")
    assert host.ran == ["ovs-vsctl list-br"]


def test_a_second_command_is_not_run_behind_one_that_failed() -> None:
    host = Host({"a": ("no\n", 1)})
    (answer,) = talk(host).exchange(["a && b"], "test")
    assert answer.refusal == "no"
    assert host.ran == ["a"]


def test_a_connection_that_is_cut_in_mid_command() -> None:
    host = Host({"ip link set dev p1 up": ("", -1)})
    commands = talk(host)
    with pytest.raises(UnreachableError, match="did not finish 'ip'"):
        commands.exchange(["ip link set dev p1 up", "ip link set dev p2 up"], "test")
    assert commands.closed
    assert host.ran == ["ip link set dev p1 up"]


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.connections.switch_commands._LONGEST_ANSWER", 20)
    with pytest.raises(UnreachableError):
        talk(Host({"x": ("y" * 100, 0)})).exchange(["x"], "test")


@pytest.mark.parametrize(
    "text", ["a;b", "$(reboot)", "`x`", "a&&b|c", "back\\slash", 'quote"', "it's", "new\nline", "x" * 201]
)
def test_text_that_means_something_to_a_shell_is_refused(text: str) -> None:
    dialect = load("ovs")
    stored = dialect.ports.write.fields["description"].stored
    assert stored is not None
    assert not stored.fullmatch(text)


@pytest.mark.parametrize(
    "line", ["ovs-vsctl list port; reboot", "ip link show > /etc/passwd", "a $HOME", "a | b", "a `b`"]
)
def test_shell_signs_are_forbidden_in_every_line(line: str) -> None:
    assert load("ovs").manner.forbidden.search(line)
