"""The playbooks: what they hand on, what can be chosen by tags and limits, and that docs/ansible.md tells it all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.ansible_door.registry import MODULES
from tests.unit.role_arguments import HANDED_ON, ROOT, loaded

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
PAGE = (ROOT / "docs" / "ansible.md").read_text(encoding="utf-8")
_COLLECTION = "workplace.provisioning."
_OWN = re.compile(
    r"(?<![\w.])((?:onboard|move|offboard|replace|patch|install_software|new_workplace|audit|site)_\w+)\b"
)
_WAYS = {name: f"playbooks/{name}.yml" for name in (path.stem for path in PLAYBOOKS)}
_each_playbook = pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)


def plays(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def module_tasks(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each module of ours that a playbook calls itself, with the task's arguments."""
    for play in plays(path):
        for task in (*play.get("pre_tasks", []), *play.get("tasks", [])):
            for word, given in task.items():
                if word.startswith(_COLLECTION):
                    yield word.removeprefix(_COLLECTION), given or {}


def variables(path: Path) -> set[str]:
    """What an admin can say to a playbook."""
    text = path.read_text(encoding="utf-8")
    registered = {str(task["register"]) for play in plays(path) for task in play.get("tasks", []) if "register" in task}
    prefix = {"move_workstation": "move", "patch_port": "patch", "replace_equipment": "replace"}.get(
        path.stem, path.stem
    )
    own = {name for name in _OWN.findall(text) if name.startswith(f"{prefix}_")}
    return own - registered - {"move_workstation", "patch_port", "replace_equipment"}


def ansible(program: str, *words: str) -> str:
    """What one of Ansible's programs prints about the playbooks and the example inventory."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PROVISION_"))}
    done = subprocess.run(
        [Path(sys.executable).parent / program, *words], cwd=ROOT, env=known, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_playbook_of_the_plan_is_there() -> None:
    assert set(_WAYS) == {
        "new_workplace", "onboard", "move_workstation", "offboard", "replace_equipment", "patch_port",
        "install_software", "audit", "site",
    }  # fmt: skip


@_each_playbook
def test_it_hands_on_and_decides_nothing(path: Path) -> None:
    for module, given in module_tasks(path):
        options = set(MODULES[module].options)
        assert set(given) <= options, f"{module} has no such option"
        strange = [value for value in given.values() if "{{" in str(value) and not _handed_on(str(value))]
        assert strange == [], "logic belongs into the library"
        if module != "check":  # of a desk, after the procedure
            assert options - set(given) <= {"site"}, f"an option of {module} that nobody can reach"


def _handed_on(value: str) -> bool:
    return HANDED_ON.match(value) is not None or re.fullmatch(r"\{\{ \w+ \| default\(true\) \}\}", value) is not None


@_each_playbook
def test_its_roles_have_the_variables_that_it_sets(path: Path) -> None:
    for play in plays(path):
        for role in play.get("roles", []):
            specs = loaded(ROOT / "roles" / role["role"], "meta/argument_specs.yml")
            options = specs["argument_specs"]["main"]["options"]
            assert set(role.get("vars", {})) <= set(options)
            if path.stem in {"onboard", "install_software"}:
                assert set(options) - set(role["vars"]) <= {f"{role['role']}_report"}, "nobody can reach these"


@_each_playbook
def test_it_can_be_run_in_part_and_at_a_limit(path: Path) -> None:
    for play in plays(path):
        assert play["gather_facts"] is False, "nothing runs Python or PowerShell on a host"
        assert "any_errors_fatal" not in play, "a host that does not answer holds nobody up"
        if play["hosts"] != "localhost":
            assert f"{path.stem}_serial" in play["serial"]
            assert all("tags" in role for role in play["roles"]) or path.stem == "install_software"
        assert all("tags" in task for task in (*play.get("pre_tasks", []), *play.get("tasks", [])))


@_each_playbook
def test_its_variables_and_its_line_are_on_the_page(path: Path) -> None:
    assert [name for name in sorted(variables(path)) if f"`{name}`" not in PAGE] == []
    assert f"ansible-playbook playbooks/{path.name}" in PAGE


def test_the_page_shows_only_what_there_is() -> None:
    known = {name for path in PLAYBOOKS for name in variables(path)}
    assert set(_OWN.findall(PAGE)) - {"move_workstation", "patch_port", "replace_equipment"} <= known
    for line in re.findall(r"^ansible-playbook .*$", PAGE, re.MULTILINE):
        named = re.findall(r"(playbooks/\w+\.yml)", line)
        assert named
        assert set(named) <= set(_WAYS.values())


def test_all_of_them_are_read_by_ansible_and_tags_choose_parts() -> None:
    said = ansible("ansible-playbook", "--list-tasks", *_WAYS.values())
    assert said.count("playbook: ") == len(PLAYBOOKS)
    said = ansible("ansible-playbook", "--list-tasks", _WAYS["new_workplace"], "--tags", "printers,baseline")
    assert set(re.findall(r"^ +(\w+) : [^V]", said, re.MULTILINE)) == {"printer", "workstation_baseline"}
    said = ansible("ansible-playbook", "--list-hosts", _WAYS["install_software"], "--limit", "room_B_204")
    assert sorted(re.findall(r"^ +(WS-\d+)$", said, re.MULTILINE)) == ["WS-0042", "WS-0043"]
