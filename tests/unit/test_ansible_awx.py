"""What docs/awx.md tells people to copy: the image's definition, surveys, the credential type."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.ansible_door.registry import MODULES
from provisioning.site.base import REFERENCE_FORMS

ROOT = Path(__file__).parents[2]
AWX = ROOT / "docs/awx"
WHEEL = "provisioning-0.1.0-py3-none-any.whl"
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
SURVEYS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((AWX / "surveys").glob("*.json"))}
TYPES = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}
_VARIABLE = re.compile(r"\{\{\s*(\w+)")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``ansible-builder create`` writes, beside a wheel."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(AWX, folder / "docs/awx")
    (folder / "dist").mkdir()
    (folder / "dist" / WHEEL).write_bytes(b"a wheel")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-builder"), "create", "--output-filename", "Containerfile",
            "--file", "docs/awx/execution-environment.yml", "--context", folder / "context",
        ],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No matches" not in done.stdout + done.stderr
    return folder / "context"


def test_the_image_is_made_of_the_wheel(context: Path) -> None:
    assert (context / "_build/wheels" / WHEEL).read_bytes() == b"a wheel"
    steps = (context / "Containerfile").read_text(encoding="utf-8")
    final = steps[steps.index("AS final") :]
    assert final.index("COPY _build/wheels") < final.index('pip install --no-cache-dir "$wheel[')
    assert final.index('"$wheel[') < final.index("ansible-doc -t inventory workplace.provisioning.site")
    assert 'ARG EE_BASE_IMAGE="fedora:42"' in steps


def test_the_image_asks_for_what_the_project_asks_for(context: Path) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    steps = (context / "Containerfile").read_text(encoding="utf-8")
    extras = re.findall(r"\$wheel\[([a-z,]+)\]", steps)[0].split(",")
    assert {"ansible", "kerberos", "postgres"} <= {*extras}
    assert all(re.search(rf"^{extra} = \[", project, re.M) for extra in extras)
    for wanted in (context / "_build/requirements.txt").read_text(encoding="utf-8").splitlines():
        assert f'"{wanted}"' in project
    packages = (context / "_build/bindep.txt").read_text(encoding="utf-8")
    for program, package in {"curl": "curl", "git": "git-core", "kvno": "krb5-workstation"}.items():
        assert re.search(rf"^{package} \[platform:rpm\]$", packages, re.M), program


# -- surveys -----------------------------------------------------------------------------------------------


def test_every_playbook_has_a_survey_and_a_line_in_the_document() -> None:
    assert sorted(SURVEYS) == PLAYBOOKS
    said = (ROOT / "docs/awx.md").read_text(encoding="utf-8")
    for name in PLAYBOOKS:
        assert f"| `playbooks/{name}.yml` | `{name}.json` |" in said


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey_is_one_that_awx_takes(name: str) -> None:
    """The API wants ``name``, ``description`` and ``spec`` with these keys; variables are unique."""
    survey = SURVEYS[name]
    assert survey.keys() == {"name", "description", "spec"}
    variables = [question["variable"] for question in survey["spec"]]
    assert len({*variables}) == len(variables) > 0
    for question in survey["spec"]:
        assert {"question_name", "question_description", "required", "type", "variable"} <= question.keys()
        assert question["type"] in TYPES
        assert question["required"], "AWX hands on an empty answer as an empty text"
        if question["type"] in {"text", "textarea"}:
            assert 1 <= question["min"] <= question["max"]
            assert question["min"] <= len(question.get("default", "x" * question["min"])) <= question["max"]
        else:
            assert {*question["default"].split("\n")} <= {*question["choices"]}


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey_asks_for_variables_of_its_playbook_with_values_that_are_taken(name: str) -> None:
    uses = dict(used(name))
    for question in SURVEYS[name]["spec"]:
        option = uses[question["variable"]]
        if "choices" in question and option.get("type") != "bool":
            assert {*question["choices"]} <= {*option["choices"]}
        elif "choices" in question:
            assert {*question["choices"]} == {"true", "false"}


@pytest.mark.parametrize("name", SURVEYS)
def test_what_a_playbook_cannot_do_without_is_asked_for(name: str) -> None:
    text = (ROOT / f"playbooks/{name}.yml").read_text(encoding="utf-8")
    needed = {*re.findall(r"- (\w+) is defined", text), *re.findall(r"that: (\w+) is defined$", text, re.M)}
    assert needed <= {question["variable"] for question in SURVEYS[name]["spec"]}


def used(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Variables of a playbook, and the option of a module or role that each becomes (none: a keyword of the play)."""
    found: list[tuple[str, dict[str, Any]]] = []
    for play in yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text(encoding="utf-8")):
        for keyword in ("hosts", "serial", "max_fail_percentage"):
            found += ((variable, {}) for variable in _VARIABLE.findall(str(play.get(keyword, ""))))
        for task in play.get("tasks", ()):
            for action, given in task.items():
                collection, _, module = action.rpartition(".")
                if collection == "workplace.provisioning":
                    found += as_options(given, MODULES[module].options)
        for role in play.get("roles", ()):
            specs = yaml.safe_load((ROOT / f"roles/{role['role']}/meta/argument_specs.yml").read_text(encoding="utf-8"))
            found += as_options(role.get("vars", {}), specs["argument_specs"]["main"]["options"])
    return found


def as_options(given: dict[str, Any], options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (variable, options[option])
        for option, template in given.items()
        for variable in _VARIABLE.findall(str(template))
        if option in options
    ]


# -- credentials -------------------------------------------------------------------------------------------


def test_every_field_of_the_credential_type_reaches_the_environment() -> None:
    made = yaml.safe_load((AWX / "credential-type.yml").read_text(encoding="utf-8"))
    assert made.keys() == {"inputs", "injectors"}
    fields = made["inputs"]["fields"]
    assert all(field.keys() == {"id", "label", "type", "secret"} and field["secret"] is True for field in fields)
    assert {*made["inputs"]["required"]} <= {field["id"] for field in fields}
    environment = made["injectors"]["env"]
    assert sorted(environment.values()) == sorted(f"{{{{ {field['id']} }}}}" for field in fields)
    pattern, _ = REFERENCE_FORMS["env"]
    assert all(pattern.fullmatch(name) for name in environment)


def test_the_document_names_only_what_there_is() -> None:
    said = (ROOT / "docs/awx.md").read_text(encoding="utf-8")
    made = yaml.safe_load((AWX / "credential-type.yml").read_text(encoding="utf-8"))
    assert {*re.findall(r"env:(PROVISION_\w+)", said)} <= made["injectors"]["env"].keys()
    for path in re.findall(r"\]\((awx[^)]*)\)", said):
        assert (ROOT / "docs" / path).exists(), path
    for path in re.findall(r"`(docs/[\w.-]+\.md|playbooks/\w+\.yml)`", said):
        assert (ROOT / path).is_file(), path
