"""What is generated for Ansible: nothing has drifted, ansible-doc is complete, examples are right."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.ansible_door import documents
from provisioning.ansible_door.arguments import SITE, validated
from provisioning.ansible_door.definition import Definition
from provisioning.ansible_door.registry import MODULES

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def test_nothing_has_drifted() -> None:
    assert documents.drift() == [], "run `python -m provisioning.ansible_door.documents`"


def test_drift_is_found_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "COLLECTION", tmp_path)
    stranger = tmp_path / "plugins/modules/gone.py"
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    assert ("plugins/modules/gone.py", None) in documents.drift(tmp_path)
    monkeypatch.setattr(documents, "drift", lambda: [("plugins/modules/gone.py", None), ("meta/runtime.yml", "a: 1\n")])
    assert documents.main(["--check"]) == 1
    assert stranger.exists()
    assert documents.main([]) == 0
    assert not stranger.exists()
    assert (tmp_path / "meta/runtime.yml").read_text(encoding="utf-8") == "a: 1\n"


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Any]:
    """What ansible-doc says of all modules, by one call."""
    names = [f"workplace.provisioning.{name}" for name in MODULES]
    done = subprocess.run(
        [BIN / "ansible-doc", "-t", "module", "-j", *names], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return {name.rpartition(".")[2]: doc for name, doc in json.loads(done.stdout).items()}


def options_of(options: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, option in options.items():
        yield f"{path}{name}", option
        yield from options_of(option.get("suboptions") or {}, f"{path}{name}.")


@pytest.mark.parametrize("name", MODULES)
def test_ansible_doc_is_complete(shown: Mapping[str, Any], name: str) -> None:
    doc = shown[name]["doc"]
    assert doc["short_description"]
    assert doc["description"]
    assert {"check_mode", "diff_mode", "action_group"} <= set(doc["attributes"])
    assert [path for path, option in options_of(doc["options"]) if not "".join(option["description"]).strip()] == []
    assert f"workplace.provisioning.{name}:" in shown[name]["examples"]
    assert {"resources", "diff", "run", "msg"} <= set(shown[name]["return"])


@pytest.mark.parametrize("definition", MODULES.values(), ids=MODULES)
def test_examples_are_right(definition: Definition) -> None:
    examples = re.sub(r"\{\{.*?\}\}", "1", definition.examples)
    tasks = [task for play in yaml.safe_load(examples) for task in (play.get("tasks") or [play])]
    name = f"workplace.provisioning.{definition.name}"
    ours = [task[name] for task in tasks if name in task]
    assert all(task["name"][0].isupper() for task in tasks)
    assert ours
    for given in ours:
        assert set(validated(given or {}, definition.options, definition.name)) <= {*SITE, *definition.options}


def test_all_modules_are_in_the_action_group() -> None:
    runtime = yaml.safe_load((documents.COLLECTION / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["action_groups"] == {"workplace": sorted(MODULES)}


def test_the_collection_has_the_packages_version_and_no_python_packages() -> None:
    galaxy = yaml.safe_load((documents.COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert galaxy["version"] == package["version"]
    assert (documents.COLLECTION / galaxy["readme"]).is_file()
    assert list(documents.COLLECTION.parents[1].rglob("__init__.py")) == []
