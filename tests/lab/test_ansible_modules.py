"""The modules in real ansible-playbook runs on the office's real servers, looked at by other programs than ours."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioning.api import Site
from provisioning.connections.pool import Pool
from provisioning.lab.office import Office
from tests.lab.admin import Admin, admin_of, at_switch, directory_entries, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

BIN = Path(sys.executable).parent
SWITCH, PC = "sw-b2-1", "WS-0043"
UNIT = "OU=Sales,OU=Staff,DC=corp,DC=example"
ENTRY = f"CN=Ada Ansible,{UNIT}"
KEY = r"HKLM\SOFTWARE\Policies\Playbook"
DESKS = {f"desk-{number}": {"number": number} for number in range(14, 20)}
_RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


class Playbook:
    """Runs plays against the lab."""

    def __init__(self, folder: Path, site: Path) -> None:
        self._folder, self._site = folder, site
        hosts = {"localhost": {}, SWITCH: {}, PC: {}, **DESKS}
        inventory = {"all": {"vars": {"ansible_connection": "local", "provision_site": str(site)}, "hosts": hosts}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")

    def start(self, plays: list[dict[str, Any]], *words: str) -> subprocess.Popen[str]:
        """Begin a run in a session of its own."""
        whole = [{"name": "Play", "gather_facts": False, **one} for one in plays]
        (self._folder / "play.yml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        known = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return subprocess.Popen(
            [BIN / "ansible-playbook", "-i", self._folder / "hosts.yml", *words, self._folder / "play.yml"],
            cwd=self._folder, env=known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, plays: list[dict[str, Any]], *words: str) -> tuple[str, dict[str, int]]:
        """What it printed, and host → changed tasks. Nothing may fail."""
        process = self.start(plays, *words)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said, {host: int(changed) for host, _, changed, *_ in _RECAP.findall(said)}


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    """The command line at a copy of the site."""
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    somebody.take_all_back()


@pytest.fixture
def playbook(admin: Admin, tmp_path: Path) -> Playbook:
    folder = tmp_path / "playbook"
    folder.mkdir()
    return Playbook(folder, tmp_path / "site")


def task(module: str, **given: Any) -> dict[str, Any]:
    return {"name": f"Keep {module}", f"workplace.provisioning.{module}": given}


def office_play(*, gone: bool) -> list[dict[str, Any]]:
    """Four lists of things, there or not."""
    state = {"state": "absent"} if gone else {}
    user = {"login": "ada.ansible", "ou": UNIT, "name": "Ada Ansible", "given_name": "Ada", "title": "Tester"}
    port: dict[str, str | None] = {"interface": "GigabitEthernet1/0/20"}
    port |= {"description": None, "mode": None} if gone else {"description": "by a playbook", "mode": "access"}
    values = {"Fixed": {"type": "REG_DWORD", "data": 7}, "Old": None}
    membership = task("group_membership", memberships=[{"login": "ada.ansible", "groups": {"Sales": True}, **state}])
    account = task("domain_user", users=[{**user, **state}])
    return [
        {"hosts": "localhost", "tasks": [membership, account] if gone else [account, membership]},
        {"hosts": SWITCH, "tasks": [task("switch_port", ports=[port])]},
        {"hosts": PC, "tasks": [task("registry", keys=[{"path": KEY, "values": values, **state}])]},
    ]


def on_pc(pool: Pool) -> str:
    """The key's values, by reg.exe."""
    with pool.session(f"windows:{PC}") as session:
        return str(session.run(["reg", "query", KEY.replace("HKLM", "HKEY_LOCAL_MACHINE")]).stdout)


def test_lists_of_things_there_and_gone_again(office: Office, playbook: Playbook, admin: Admin, pool: Pool) -> None:
    there = office_play(gone=False)
    said, changed = playbook.run(there, "--check", "--diff")
    assert changed == {"localhost": 2, SWITCH: 1, PC: 1}
    assert re.search(r"^\+description: by a playbook", said, re.MULTILINE)
    assert ENTRY not in directory_entries(office)  # check mode changed nothing
    assert "by a playbook" not in at_switch(office, SWITCH, "show running-config interface GigabitEthernet1/0/20")

    assert playbook.run(there)[1] == {"localhost": 2, SWITCH: 1, PC: 1}
    found = directory_entries(office)
    assert {"givenName: Ada", "title: Tester"} <= set(found[ENTRY])
    assert any(line.startswith("memberOf: CN=Sales,") for line in found[ENTRY])
    assert "by a playbook" in at_switch(office, SWITCH, "show running-config interface GigabitEthernet1/0/20")
    assert re.search(r"Fixed +REG_DWORD +0x7", on_pc(pool))

    assert set(playbook.run(there, "--diff")[1].values()) == {0}

    said, changed = playbook.run(office_play(gone=True), "-v")
    assert changed == {"localhost": 2, SWITCH: 1, PC: 1}
    asked = re.search(r"Request (\d+): awaiting approval", said)  # the site wants deletions approved
    assert asked is not None, said
    assert not any(line.startswith("memberOf:") for line in directory_entries(office)[ENTRY])
    assert admin.run("approve", asked[1], "--reason", "a test", SUDO_USER="hannah.brandt").code == 0
    assert playbook.run(office_play(gone=True))[1] == {"localhost": 1, SWITCH: 0, PC: 0}
    assert ENTRY not in directory_entries(office)
    assert "Fixed" not in on_pc(pool)
    assert "by a playbook" not in at_switch(office, SWITCH, "show running-config interface GigabitEthernet1/0/20")


def desks_play(said: str) -> list[dict[str, Any]]:
    """Every desk sets its own port of one switch, each from a process of its own."""
    port = {"interface": "GigabitEthernet1/0/{{ number }}", "description": f"desk {{{{ number }}}} {said}"}
    return [{"hosts": "desk-*", "tasks": [{**task("switch_port", ports=[port]), "delegate_to": SWITCH}]}]


def ports(office: Office) -> str:
    return at_switch(office, SWITCH, "terminal length 0", "show running-config")


def test_many_forks_wait_for_one_switch_and_a_cut_play_is_gone_on_with(
    office: Office, playbook: Playbook, admin: Admin
) -> None:
    process = playbook.start(desks_play("first"), "--forks", "50")
    site = Site.load(admin.folder)
    until(lambda: site.has_ledger and bool(site.runs(states={"running"})), seconds=60)
    process.send_signal(signal.SIGINT)
    with closing(process.stdout or open(os.devnull, encoding="utf-8")):
        process.wait(timeout=60)
    assert process.returncode != 0
    assert ports(office).count(" first") < len(DESKS)

    said, changed = playbook.run(desks_play("first"), "--forks", "50")
    assert "had been cut; it was gone on with" in said
    assert 0 < sum(changed.values()) <= len(DESKS)
    assert ports(office).count(" first") == len(DESKS)
    left = admin.must("show", "runs").out
    assert not re.search(r" (running|interrupted|waiting) ", left), left
    assert set(playbook.run(desks_play("first"), "--forks", "50")[1].values()) == {0}
