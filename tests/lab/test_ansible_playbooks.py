"""The playbooks of this clone, each by the one line that docs/ansible.md shows, on the office's real servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioning.api import Site
from provisioning.lab.office import Office
from tests.lab.admin import ROOT, Admin, admin_of, directory_entries, forwarding, registry, running_config, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

BIN = Path(sys.executable).parent
ANNA = "CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"
UNREACHABLE = 4
"""How ansible-playbook ends when hosts did not answer, and nothing else was wrong."""
_RECAP = re.compile(
    r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+) ", re.MULTILINE
)  # fmt: skip


@dataclass(frozen=True)
class Recap:
    """How a call ended for one host."""

    changed: int
    unreachable: int
    failed: int


@dataclass(frozen=True)
class Playbooks:
    """``ansible-playbook playbooks/…`` in this clone, on the site in `site`."""

    site: Path
    home: Path

    def start(self, names: str, *words: str, inventory: Path | None = None) -> subprocess.Popen[str]:
        """Begin one call; `names` may be several playbooks, which run one after the other."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        where = ["-i", str(inventory)] if inventory is not None else ["-e", f"provision_site={self.site}"]
        return subprocess.Popen(
            [BIN / "ansible-playbook", *where, *(f"playbooks/{name}.yml" for name in names.split()), *words],
            cwd=ROOT, env=known | {"ANSIBLE_HOME": str(self.home)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def run(
        self, names: str, *words: str, inventory: Path | None = None, code: int = 0
    ) -> tuple[str, dict[str, Recap]]:
        """What one call printed, and host → how it ended: of several playbooks, after the last one."""
        process = self.start(names, *words, inventory=inventory)
        said, _ = process.communicate(timeout=200)
        assert process.returncode == code, said
        return said, {host: Recap(*map(int, numbers)) for host, *numbers in _RECAP.findall(said)}


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    """The command line at a copy of the site."""
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    somebody.take_all_back()


@pytest.fixture
def playbooks(admin: Admin, tmp_path: Path) -> Playbooks:
    return Playbooks(admin.folder, tmp_path / "ansible")


def test_each_playbook_says_what_it_would_do_and_some_do_it(office: Office, admin: Admin, playbooks: Playbooks) -> None:
    said, hosts = playbooks.run("onboard", "-e", "onboard_persons=E1042", "--check", "--diff")
    assert hosts["localhost"].changed == 1
    assert re.search(r"^\+ *mail: anna.petrova@corp.example", said, re.MULTILINE)
    assert ANNA not in directory_entries(office)
    assert not admin.ledger.exists()

    wrong, _ = playbooks.run("onboard", "-e", '{"onboard_persons": {"person": "E1042"}}', code=2)
    assert "argument 'workplace_people' is of type" in wrong
    assert ANNA not in directory_entries(office)

    said, hosts = playbooks.run("onboard", "-e", "onboard_persons=E1042")
    assert hosts["localhost"].changed == 1
    assert "login: anna.petrova" in said
    assert "employeeID: E1042" in directory_entries(office)[ANNA]

    before = directory_entries(office), forwarding(office), admin.last_run()
    wishes = {
        "patch_outlet": "B2-08C", "patch_to": "guest", "move_who": "E1042", "move_to": "B-204-2",
        "offboard_person": "E1042", "replace_old": "NW-20042", "replace_new": "NW-20090", "replace_reason": "broken",
        "install_software_packages": "archive-tool", "audit_areas": "ports",
    }  # fmt: skip
    words = [word for name, value in wishes.items() for word in ("-e", f"{name}={value}")]
    said, hosts = playbooks.run(
        "install_software move_workstation patch_port replace_equipment site audit offboard",
        "--limit", "localhost,WS-0042", "--check", "--diff", *words,
    )  # fmt: skip
    assert hosts["WS-0042"] == Recap(1, 0, 0)
    assert hosts["localhost"] == Recap(6, 0, 0), "move, patch, replace, equipment, the whole site, offboard"
    assert "to be returned: NW-20042" in said
    assert "(E1002): description is not set, expected B-203-1" in " ".join(said.split())  # the audit's finding
    assert (directory_entries(office), forwarding(office), admin.last_run()) == before

    _, hosts = playbooks.run("patch_port", *words)
    assert hosts["localhost"].changed == 1
    assert f"description {'B2-08C'}" in running_config(office, "sw-b2-2")
    _, hosts = playbooks.run("onboard patch_port", *words, "-e", "onboard_persons=E1042")
    assert hosts["localhost"].changed == 0


def test_a_cut_play_is_run_again_and_a_pc_that_is_off_holds_nobody_up(
    office: Office, admin: Admin, playbooks: Playbooks
) -> None:
    room = ("--limit", "room_B_204")
    packages = ("-e", "install_software_packages=archive-tool")
    parts = ("--tags", "baseline,printers")
    process = playbooks.start("new_workplace", *room, *parts, "--forks", "50")
    site = Site.load(admin.folder)
    until(lambda: site.has_ledger and bool(site.runs(states={"running"})), seconds=60)
    os.killpg(process.pid, 9)
    with closing(process.stdout or open(os.devnull, encoding="utf-8")):
        process.wait(timeout=60)

    office.pcs.power_off("WS-0043")  # ends its programs by their numbers
    try:
        said, hosts = playbooks.run(
            "new_workplace install_software", *room, *parts, *packages, "--forks", "50", code=UNREACHABLE
        )
    finally:
        office.pcs.power_on("WS-0043")
    assert hosts["WS-0043"].unreachable == 1
    assert "switched on" in said
    assert (hosts["WS-0042"].failed, hosts["WS-0042"].unreachable) == (0, 0)
    assert "Make the settings of mail programs so" not in said, "a part that nobody asked for"
    assert "InactivityTimeoutSecs" in registry(
        office, "WS-0042", r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
    )

    _, hosts = playbooks.run("new_workplace", *room, *parts)
    assert (hosts["WS-0042"].changed, hosts["WS-0043"].changed) == (0, 2)
    said, hosts = playbooks.run("install_software", *room, *packages, "-e", "install_software_serial=1")
    assert (hosts["WS-0042"].changed, hosts["WS-0043"].changed) == (1, 1)
    assert said.count("PLAY [Install software]") == 2, "one PC at a time"
    left = admin.must("show", "runs").out
    assert not re.search(r" (running|interrupted|waiting) ", left), left


def sealed(key: Path, value: str) -> str:
    """A text as ``ansible-vault encrypt_string`` writes it, for YAML with an indent of ten."""
    done = subprocess.run(
        [BIN / "ansible-vault", "encrypt_string", "--vault-password-file", key, "--stdin-name", "password"],
        input=value, capture_output=True, text=True, check=True, env={**os.environ, "ANSIBLE_HOME": str(key.parent)},
    )  # fmt: skip
    return done.stdout.partition(": ")[2]


@pytest.mark.parametrize("from_site", [True, False], ids=["of-the-site", "of-the-inventory"])
def test_vaulted_secrets(from_site: bool, office: Office, admin: Admin, playbooks: Playbooks, tmp_path: Path) -> None:
    """The site's password is in a vault file, one host has its own in the inventory; one of the two is a wrong one, and
    just the PC that it is for refuses."""
    right, wrong = (office.secrets / "windows").read_text().strip(), "Canary-7d1f-not-it"
    key = tmp_path / "vault-key"
    key.write_text("open sesame\n", encoding="utf-8")
    (admin.folder / "secrets").mkdir()
    (admin.folder / "secrets" / "vault.yml").write_text(
        f"windows:\n  password: {sealed(key, right if from_site else wrong)}", encoding="utf-8"
    )
    admin.edit(
        "site.yml", f"password: file:{office.secrets}/windows", "password: vault:secrets/vault.yml#windows.password"
    )
    with (admin.folder / "site.yml").open("a", encoding="utf-8") as file:
        file.write(f"\nsecrets: {{ansible_vault_password: 'file:{key}'}}\n")
    folder = tmp_path / "inventory"
    (folder / "host_vars").mkdir(parents=True)
    source = f"plugin: workplace.provisioning.site\nsite: {admin.folder}\n"
    (folder / "office.workplace.yml").write_text(source, encoding="utf-8")
    (folder / "host_vars" / "WS-0043.yml").write_text(
        f"ansible_password: {sealed(key, wrong if from_site else right)}", encoding="utf-8"
    )
    said, hosts = playbooks.run(
        "new_workplace", "--limit", "room_B_204", "--tags", "baseline", "--check", "--diff", "-vvv",
        "--vault-password-file", str(key), inventory=folder / "office.workplace.yml", code=2,
    )  # fmt: skip
    ready, refusing = ("WS-0042", "WS-0043") if from_site else ("WS-0043", "WS-0042")
    assert hosts[ready] == Recap(1, 0, 0)
    assert hosts[refusing].failed == 1
    assert f"windows:{refusing}" in said
    assert right not in said
    assert wrong not in said
