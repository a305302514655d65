"""Modules in real ansible-playbook runs that need no lab: nobody answers at the example site's addresses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from provisioning.ansible_door import action
from provisioning.ansible_door.definition import Definition
from tests.canaries import Canaries

SITE = Path("inventories/example").resolve()
NOWHERE = {"ansible_host": "127.0.0.1", "ansible_port": 9}
BIN = Path(sys.executable).parent
CANARIES = Canaries({"plain": "Kanarienvogel-1", "vaulted": "Kanarienvogel-2", "of the switch": "Kanarienvogel-3"})

Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run plays with ansible-playbook; gives what it printed."""

    def run(plays: list[dict[str, Any]], hosts: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
        whole = [{"name": "Play", "gather_facts": False, **one} for one in plays]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.run(
            [BIN / "ansible-playbook", "-i", tmp_path / "hosts.yml", *words, tmp_path / "play.yml"],
            cwd=tmp_path, env=known, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def task(module: str, **given: Any) -> dict[str, Any]:
    words: dict[str, Any] = {name: given.pop(name) for name in ("ignore_unreachable", "ignore_errors") if name in given}
    return {"name": module, f"workplace.provisioning.{module}": given, **words}


def vaulted(text: str, password: Path) -> Any:
    done = subprocess.run(
        [BIN / "ansible-vault", "encrypt_string", "--vault-password-file", password, "--stdin-name", "x"],
        input=text, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.partition("|\n")[2].replace(" ", "")


class Vaulted(str):
    """A text that YAML marks as vaulted."""


yaml.SafeDumper.add_representer(
    Vaulted, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|")
)  # fmt: skip


def test_unreachable_hosts_leave_the_play_and_no_secret_is_printed(play: Play, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("opens the vault", encoding="utf-8")
    secret = CANARIES.values
    hosts = {
        "pc": {**NOWHERE, "ansible_user": "u", "ansible_password": secret["plain"]},
        "vaulted": {
            **NOWHERE,
            "ansible_user": "u {{ secret }}",
            "ansible_password": "{{ secret }}",
            "secret": Vaulted(vaulted(secret["vaulted"], key)),
        },
        "sw-b2-1": {**NOWHERE, "ansible_password": secret["of the switch"]},
        "localhost": {"ansible_connection": "local"},
    }
    registry = task("registry", keys=[{"path": r"HKLM\SOFTWARE\X", "values": {}}])
    registry["when"] = "inventory_hostname in ['pc', 'vaulted']"
    port = task("switch_port", ports=[{"interface": "GigabitEthernet1/0/9", "enabled": True}])
    port["when"] = "inventory_hostname == 'sw-b2-1'"
    after = {"name": "After", "ansible.builtin.debug": {"msg": "still here"}}
    done = play(
        [{"hosts": "all", "vars": {"provision_site": str(SITE)}, "tasks": [registry, port, after]}],
        hosts, "-vvv", "--check", "--diff", "--vault-password-file", str(key),
    )  # fmt: skip
    assert done.stdout.count("UNREACHABLE! =>") == 2, done.stdout + done.stderr
    assert "windows:pc: SMB at 127.0.0.1 port 445 does not answer" in done.stdout
    assert "switch:sw-b2-1: " in done.stdout  # nobody wrote its host key down: that is a failure
    assert done.stdout.count("still here") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert CANARIES.in_text(done.stdout + done.stderr) == []


def test_wrong_tasks_are_answered_in_sentences_and_hosts_go_on(play: Play, tmp_path: Path) -> None:
    wrong = [
        task("domain_user", users=[{"login": "a", "ofice": "x"}], ignore_errors=True),
        task("domain_user", users=[{"login": "a", "enabled": "perhaps"}], ignore_errors=True),
        task("domain_user", users=[{"login": "a", "ou": "not a dn"}], ignore_errors=True),
        task("time_zone", name="UTC", ignore_errors=True),
        task("domain_user", users=[], site=str(tmp_path / "nowhere"), ignore_errors=True),
    ]
    defaults = {"group/workplace.provisioning.workplace": {"site": str(SITE)}}
    done = play(
        [
            {"hosts": "localhost", "module_defaults": defaults, "tasks": wrong},
            {"hosts": "localhost", "tasks": [task("domain_user", users=[])]},
        ],
        {"localhost": {"ansible_connection": "local"}},
    )
    said = " ".join(done.stdout.split()) + " ".join(done.stderr.split())
    assert done.returncode == 2
    assert "domain_user: users[0].ofice: there is no such option; did you mean 'office'?" in said
    assert "users[0].enabled: argument 'enabled' is of type str and we were unable to convert to bool" in said
    assert "users: a: ou: " in said
    assert "the site has no workstation 'localhost'" in said
    assert f"{tmp_path}/nowhere" in said
    assert "which site? Set the variable provision_site" in said
    assert "Traceback" not in said


def test_what_is_marked_no_log_is_masked_in_results(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = CANARIES.values["plain"]
    options = {
        "pin": {"type": "str", "no_log": True, "description": ["A secret."]},
        "site": {"type": "path", "description": ["The site."]},
    }

    def tell(given: Any) -> dict[str, Any]:
        pin = given.given["pin"]
        return {"changed": True, "msg": f"it is {pin}", "diff": [{"before": {}, "after": {"pin": pin}}], "list": [pin]}

    monkeypatch.setattr(action, "MODULES", {"m": Definition("m", "m", ("m",), options, "", tell)})

    class Module(action.WorkplaceAction):
        module = "m"

    played = MagicMock(
        args={"pin": secret, "site": str(SITE)}, check_mode=False, diff=True, async_val=0, delegate_to=None
    )
    played.get_vars.return_value = {}
    played.get_play.return_value.get_vars.return_value = {}
    templar = MagicMock()
    templar.template.side_effect = lambda value: value
    done = Module(played, MagicMock(), MagicMock(), MagicMock(), templar, MagicMock()).run(None, {})
    assert done["changed"] is True
    assert done["diff"][0]["after"]["pin"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert done["msg"] == "it is ********"
    assert CANARIES.in_text(str(done)) == []
