"""ansible-lint, yamllint and Ansible's own syntax check of all that this repository gives to Ansible. Offline."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CONTENT = ("roles", "playbooks", "molecule")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Programs of this environment, no way out, and an inventory that costs nothing: ansible-lint starts
    ansible-playbook for each playbook, and reading the site each time would take longer than all else."""
    hosts = tmp_path / "hosts"
    hosts.write_text("localhost ansible_connection=local\n", encoding="utf-8")
    known = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE")}
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return known | nowhere | {
        "PATH": f"{BIN}{os.pathsep}{known['PATH']}",
        "ANSIBLE_INVENTORY": str(hosts),
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }  # fmt: skip


def run(*words: str | Path, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=540, check=False
    )  # fmt: skip


@pytest.mark.timeout(600)
def test_ansible_lint_has_nothing_to_say(environment: dict[str, str]) -> None:
    done = run(BIN / "ansible-lint", *CONTENT, cwd=ROOT, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 0 failure(s), 0 warning(s)" in done.stderr
    assert "Profile 'production' was required, and it passed" in done.stderr


def test_nothing_is_skipped_and_nothing_is_fetched() -> None:
    settings = yaml.safe_load((ROOT / ".ansible-lint").read_text(encoding="utf-8"))
    assert not {"skip_list", "warn_list", "mock_modules", "mock_roles"} & settings.keys()
    assert (settings["profile"], settings["strict"], settings["offline"]) == ("production", True, True)
    assert not [path for path in settings["exclude_paths"] if (ROOT / path).is_dir() and not path.startswith(".")]
    noted = [
        path.relative_to(ROOT)
        for folder in CONTENT
        for path in (ROOT / folder).rglob("*.yml")
        if "noqa" in path.read_text(encoding="utf-8")
    ]
    assert not noted, "a rule is switched off in these files"


def test_a_role_without_argument_specs_does_not_pass(tmp_path: Path, environment: dict[str, str]) -> None:
    tasks = tmp_path / "roles/bare/tasks/main.yml"
    tasks.parent.mkdir(parents=True)
    tasks.write_text("---\n- name: say it\n  debug: msg=hello\n", encoding="utf-8")
    done = run(
        BIN / "ansible-lint", "--config-file", ROOT / ".ansible-lint", "--project-dir", tmp_path, "roles",
        cwd=tmp_path, environment=environment,
    )  # fmt: skip
    assert done.returncode != 0
    for rule in ("role-argument-spec", "name[casing]", "fqcn"):
        assert rule in done.stdout, rule


def test_yamllint_has_nothing_to_say(environment: dict[str, str]) -> None:
    done = run(BIN / "yamllint", "--strict", ".", cwd=ROOT, environment=environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_yamllint_reads_what_it_is_for(tmp_path: Path, environment: dict[str, str]) -> None:
    listed = run(BIN / "yamllint", "--list-files", ".", cwd=ROOT, environment=environment).stdout.split()
    for path in ("inventories/example/site.yml", "playbooks/onboard.yml", "docs/awx/execution-environment.yml"):
        assert f"./{path}" in listed
    assert not [path for path in listed if path.startswith(("./.venv/", "./tests/cases/site/"))]
    bad = tmp_path / "bad.yml"
    bad.write_text("a:  0644\na: yes\n", encoding="utf-8")
    said = run(BIN / "yamllint", "-c", ROOT / ".yamllint", bad, cwd=tmp_path, environment=environment).stdout
    for rule in ("colons", "octal-values", "key-duplicates", "truthy"):
        assert f"({rule})" in said


def test_ansible_takes_the_syntax_of_every_playbook(environment: dict[str, str]) -> None:
    playbooks = sorted((ROOT / "playbooks").glob("*.yml"))
    assert len(playbooks) == 9
    done = run(BIN / "ansible-playbook", "--syntax-check", *playbooks, cwd=ROOT, environment=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_ansible_is_set_up_as_the_playbooks_need_it() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg", encoding="utf-8")
    default = settings["defaults"]
    assert default["roles_path"] == "roles"
    assert (ROOT / default["inventory"]).is_file()
    assert default["callback_result_format"] == "yaml"
    assert settings["inventory"]["any_unparsed_is_failed"] == "true"
    assert "host_key_checking" not in default, "host keys are verified"


def test_ansible_knows_every_setting(tmp_path: Path, environment: dict[str, str]) -> None:
    del environment["ANSIBLE_INVENTORY"]
    text = (ROOT / "ansible.cfg").read_text(encoding="utf-8")
    copy = tmp_path / "ansible.cfg"  # of the callback plugin's settings ansible-config knows nothing
    copy.write_text(text.replace("callback_result_format = yaml\n", ""), encoding="utf-8")
    done = run(BIN / "ansible-config", "validate", "-c", copy, cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
