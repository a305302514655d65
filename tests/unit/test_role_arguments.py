"""Roles say of their variables what the modules say of their options, and hand them on as they are.

``python -m tests.unit.test_role_arguments`` writes their argument_specs and the tables of their README files anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.ansible_door.registry import MODULES
from tests.unit.role_arguments import HANDED_ON, ROLES, ROOT, handed_on, loaded, modules_of, table, wanted, write

_AGAIN = "the modules changed: run `python -m tests.unit.test_role_arguments`"
_each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def test_every_role_of_the_plan_is_there() -> None:
    assert {role.name for role in ROLES} == {
        "domain_account", "domain_computer", "offline_domain_join", "mailbox", "email_client", "intranet_access",
        "browser_policy", "switch_port", "approved_software", "printer", "workstation_baseline", "workplace_check",
        "workplace",
    }  # fmt: skip


@_each_role
def test_its_arguments_are_those_of_its_modules(role: Path) -> None:
    options = loaded(role, "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    assert {name: options.get(name) for name in wanted(role)} == wanted(role), _AGAIN
    tasks = (role / "tasks" / "main.yml").read_text(encoding="utf-8")
    assert [name for name in options if not re.search(rf"\b{name}\b", tasks)] == [], "nothing comes of these"


@_each_role
def test_it_calls_modules_and_hands_its_variables_on(role: Path) -> None:
    calls = list(modules_of(role))
    assert calls, "a role without a module of ours"
    for module, given in calls:
        assert module in MODULES
        assert set(given) <= set(MODULES[module].options), f"{module} has no such option"
        made_up = [value for value in given.values() if "{{" in str(value) and not HANDED_ON.match(str(value))]
        assert made_up == [], f"{module}: logic belongs into the library"


@_each_role
def test_its_defaults_are_told(role: Path) -> None:
    options = loaded(role, "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    defaults = loaded(role, "defaults/main.yml") or {}
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    for name in handed_on(role):
        assert name.startswith(f"{role.name}_")


@_each_role
def test_its_readme_tells_all(role: Path) -> None:
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert table(role) in readme, _AGAIN
    for heading in ("## Variables", "## Example", "## Check mode"):
        assert heading in readme


@_each_role
def test_it_has_a_scenario(role: Path) -> None:
    there = {path.name for path in (ROOT / "molecule" / role.name).iterdir()}
    assert {"molecule.yml", "converge.yml", "verify.yml", "cleanup.yml"} <= there


@pytest.mark.parametrize(
    ("ports", "complaint"),
    [
        ([{"interface": "Gi1/0/1", "access_vlan": "twenty"}], "'access_vlan' is of type str.*cannot be converted to"),
        ([{"access_vlan": 20}], "missing required arguments: interface"),
        ([{"interface": "Gi1/0/1", "vlan": 20}], "switch_port_ports.vlan. Supported parameters include: access_vlan"),
    ],
)
def test_a_mistake_is_named_before_any_module_runs(
    ports: list[dict[str, object]], complaint: str, tmp_path: Path
) -> None:
    play = {"hosts": "localhost", "gather_facts": False, "roles": [{"role": "switch_port", "switch_port_ports": ports}]}
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local", tmp_path / "play.yml"],
        env={**os.environ, "ANSIBLE_ROLES_PATH": str(ROOT / "roles"), "ANSIBLE_HOME": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert re.search(f"TASK .switch_port : Validating.*{complaint}", done.stdout, re.DOTALL), done.stdout
    assert "Make the ports so" not in done.stdout


if __name__ == "__main__":
    for each in ROLES:
        write(each)
