"""Commands are found by their first word as if all of them were looked at, and faults are seen when they change."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.lab.switch.exec_commands import exec_rules
from provisioning.lab.switch.faults import Faults, misbehaving, read_faults, write_faults
from provisioning.lab.switch.grammar import Fault, Rules, match
from provisioning.lab.switch.terminal import Terminal
from tests.unit.lab_device import G7, made


@pytest.mark.parametrize(
    "line",
    [
        "show interfaces status", "sh int gi1/0/7 status", "SHOW VLAN brief", "s", "", "  ", "wr", "write memory",
        "<x>", "co", "conf t", "configure", "terminal length 0", "nothing", "show nothing", "show interfaces Gi9/0/9",
        "\u0130",
    ],
)  # fmt: skip
def test_the_index_changes_nothing(tmp_path: Path, line: str) -> None:
    terminal = Terminal(made(tmp_path))
    rules = exec_rules(terminal)
    assert isinstance(rules, Rules)
    for _ in range(2):
        found, plain = match(rules, line, terminal._parameters), match([*rules], line, terminal._parameters)
        if isinstance(plain, Fault):
            assert found == plain
        else:
            assert not isinstance(found, Fault)
            assert (found.rule.words, found.values) == (plain.rule.words, plain.values)


def test_the_status_of_one_port(tmp_path: Path) -> None:
    terminal = Terminal(made(tmp_path))
    whole = terminal.type("show interfaces status").splitlines()
    one = terminal.type(f"show interfaces {G7} status").splitlines()
    assert one == [*whole[:2], next(line for line in whole if line.startswith("Gi1/0/7 "))]


def test_faults_are_read_when_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    assert read_faults(path) == Faults()
    with misbehaving(path, Faults(reject="a")):
        assert read_faults(path).reject == "a"
        assert read_faults(path) is read_faults(path)
        for pattern in ("b", "c", "d"):  # the same size, and perhaps the same moment
            write_faults(path, Faults(reject=pattern))
            assert read_faults(path).reject == pattern
    assert read_faults(path) == Faults()
