"""Playbooks on two hosts that are this machine, for the example site in a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from tests.unit.cli_office import write_site

HOST = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


class Bench:
    """A site with playbooks of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = write_site(folder)
        self.hosts = folder / "hosts.yml"
        self.hosts.write_text(yaml.safe_dump({"all": {"hosts": {"one": HOST, "two": HOST}}}), encoding="utf-8")

    def playbook(self, name: str, *tasks: dict[str, Any], **words: Any) -> Path:
        """Write a playbook of the site."""
        play = {"name": "All", "hosts": "all", "gather_facts": False, **words, "tasks": list(tasks)}
        file = self.site / "playbooks" / f"{name}.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        return file


def task(name: str, module: str, /, given: Any = None, **words: Any) -> dict[str, Any]:
    """One task."""
    return {"name": name, f"ansible.builtin.{module}": given or {}, **words}


def wait_for(name: str, file: Path) -> dict[str, Any]:
    """A task that is under way until `file` exists."""
    return task(name, "wait_for", {"path": str(file), "sleep": 1, "timeout": 50})
