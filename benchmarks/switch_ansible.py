"""Ansible's collection cisco.ios: as its resource modules (ios_interfaces, ios_l2_interfaces), and as one block of
lines (ios_config). Both save the configuration. The collection is not a part of this project's environment:
``requirements-ansible.txt`` beside this file says what to install, ``--ansible`` where it is.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.switch_job import Job
from benchmarks.switch_scenarios import ACCESS, VOICE, description, sections

_SETTINGS = """[defaults]
forks = {forks}
host_key_checking = False
stdout_callback = ansible.builtin.minimal
retry_files_enabled = False
local_tmp = {folder}/tmp
[persistent_connection]
command_timeout = 120
connect_timeout = 120
control_path_dir = {folder}/pc
"""


def has_collection(playbook: Path) -> str | None:
    """Why the collection cannot be used by this ``ansible-playbook``; ``None``: it can."""
    galaxy = playbook.with_name("ansible-doc")
    if not playbook.is_file() or not galaxy.is_file():
        return f"there is no {playbook}"
    asked = subprocess.run(
        [str(galaxy), "-t", "module", "-l", "cisco.ios"], capture_output=True, text=True, check=False
    )
    if "cisco.ios.ios_l2_interfaces" not in asked.stdout:
        return f"{playbook} finds no collection cisco.ios; install benchmarks/requirements-ansible.txt beside it"
    return None


def run(job: Job, way: str, playbook: Path) -> float:
    """Seconds of one ``ansible-playbook``, from its start to its end. `way`: ``resources`` or ``block``."""
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ansible.cfg").write_text(_SETTINGS.format(forks=job.scenario.workers, folder=folder), encoding="utf-8")
    (folder / "inventory.yml").write_text(yaml.safe_dump(_inventory(job)), encoding="utf-8")
    (folder / "inventory.yml").chmod(0o600)
    tasks = _resources(job) if way == "resources" else _block(job, folder)
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "HOME": str(folder)}
    began = time.monotonic()
    done = subprocess.run(
        [str(playbook), "-i", "inventory.yml", "play.yml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"ansible-playbook ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
    return seconds


def _inventory(job: Job) -> Mapping[str, Any]:
    common = {
        "ansible_connection": "ansible.netcommon.network_cli",
        "ansible_network_os": "cisco.ios.ios",
        "ansible_user": job.user,
        "ansible_password": job.password,
        "ansible_port": job.port,
    }
    hosts = {name: {"ansible_host": address} for name, address in job.addresses.items()}
    return {"all": {"hosts": hosts, "vars": common}}


def _resources(job: Job) -> list[dict[str, Any]]:
    numbered = list(enumerate(job.scenario.interfaces, 1))
    interfaces = [{"name": port, "description": description(n), "enabled": True} for n, port in numbered]
    switching = [
        {"name": port, "mode": "access", "access": {"vlan": ACCESS}, "voice": {"vlan": VOICE}} for _, port in numbered
    ]
    return [
        {"cisco.ios.ios_interfaces": {"config": interfaces, "state": "merged"}},
        {"cisco.ios.ios_l2_interfaces": {"config": switching, "state": "merged"}},
        {"cisco.ios.ios_config": {"save_when": "always"}},
    ]


def _block(job: Job, folder: Path) -> list[dict[str, Any]]:
    text = "".join(
        line for port, body in sections(job.scenario).items() for line in (f"interface {port}\n", *_indented(body))
    )
    (folder / "ports.cfg").write_text(text, encoding="utf-8")
    return [{"cisco.ios.ios_config": {"src": str(folder / "ports.cfg"), "save_when": "always"}}]


def _indented(body: list[str]) -> list[str]:
    return [f" {line}\n" for line in body]
