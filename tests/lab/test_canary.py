"""A new hire is onboarded, handed over and taken back on the lab, every credential by another kind of reference; then
everything that is left is searched for the secrets.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from provisioning.api import Site, onboard
from provisioning.lab.office import Office
from provisioning.secrets import Secrets
from provisioning.secrets.check import references
from tests.canaries import Canaries
from tests.postgres import Cluster, running_cluster

pytestmark = pytest.mark.lab

PERSON = "E1042"
VAULT_PASSWORD = "canary-ansible-vault-password"
ROOT = Path(__file__).parent.parent.parent


@dataclass
class Program:
    """The program on a site, started as its own process with everything it says kept."""

    site: Path
    scratch: Path
    environment: dict[str, str]
    told: list[str] = field(default_factory=list)

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        command = [sys.executable, "-X", "dev", "-m", "provisioning.cli", "-v", "--site", str(self.site), *words]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
        self.told.append(f"{done.stdout}\n{done.stderr}")
        assert done.returncode in codes, f"{words}: {done.returncode}\n{done.stderr[-3000:]}{done.stdout[-3000:]}"
        return done.stdout


@pytest.fixture
def program(office: Office, tmp_path: Path) -> Program:
    """A copy of the lab's site: the directory's password in an Ansible Vault file, the PCs' in a keyring, the switches'
    in the environment, the others in files; a ledger and a hand-over folder of its own.
    """
    folder, scratch = tmp_path / "site", tmp_path / "scratch"
    shutil.copytree(office.site_folder, folder)
    scratch.mkdir()
    inventory = Site.load(folder).inventory
    secrets = Secrets.of(inventory)

    def value(reference: str) -> str:
        return secrets.resolve(reference).get_secret_value()

    key = VaultSecret(VAULT_PASSWORD.encode())
    text = yaml.safe_dump({"directory": {"password": value(inventory.directory.credential.password)}})
    (folder / "secrets.vault").write_bytes(VaultLib([("default", key)]).encrypt(text.encode(), secret=key))
    ring = tmp_path / "ring.json"
    ring.write_text(json.dumps({"provisioning/windows": value(inventory.windows.credential.password)}))
    switch = next(iter(inventory.network.switches.values())).credential.password
    moved = {
        inventory.directory.credential.password: "vault:secrets.vault#directory.password",
        inventory.windows.credential.password: "keyring:provisioning/windows",
        switch: "env:CANARY_SWITCH",
    }
    environment = {
        **os.environ,
        "CANARY_SWITCH": value(switch),
        "CANARY_VAULT": VAULT_PASSWORD,
        "PYTHON_KEYRING_BACKEND": "tests.file_keyring.FileKeyring",
        "FILE_KEYRING": str(ring),
        "TMPDIR": str(scratch),
    }
    for file in folder.glob("*.yml"):
        lines = [line for line in file.read_text().splitlines() if not line.startswith(("handover:", "ledger:"))]
        changed = "\n".join([*lines, ""])
        for before, after in moved.items():
            changed = changed.replace(before, after)
        file.write_text(changed)
    (folder / "canary.yml").write_text(
        f"handover: {tmp_path}/handover\nledger: {tmp_path}/ledger/ledger.sqlite\n"
        "secrets: {ansible_vault_password: env:CANARY_VAULT}\n"
    )
    return Program(folder, scratch, environment)


def signs_in(program: Program) -> str:
    """What the passed sign-in proof says; the other proofs are other tests' business."""
    proofs = json.loads(program.run("check", PERSON, "--output", "json", codes=(0, 3)))["proofs"]
    return next(str(proof["detail"]) for proof in proofs if proof["name"].endswith("signs in") and proof["passed"])


def test_no_secret_is_left_anywhere(office: Office, program: Program, tmp_path: Path) -> None:
    before = Secrets.of(Site.load(office.site_folder).inventory)
    canaries = Canaries(
        {
            reference: before.resolve(reference).get_secret_value()
            for reference in references(Site.load(office.site_folder).inventory)
            if not reference.endswith(".keytab")
        }
        | {"vault password": VAULT_PASSWORD}
    )
    program.run("secrets", "check")
    with canaries.watched_processes() as seen:
        program.run("plan", "onboard", PERSON, "--output", "json", codes=(2,))
        program.run("onboard", PERSON, "--yes", "--report", str(tmp_path / "report.json"), codes=(0, 3))
        try:
            login = program.run("handover").split()[0]
            waiting = tmp_path / "handover" / f"{login}.initial-password"
            canaries.values["initial password"] = waiting.read_text().strip()
            assert canaries.in_files(tmp_path, but=frozenset({waiting, tmp_path / "ring.json"})) == []
            assert "signs in with the initial password and must change it at first sign-in" in signs_in(program)
            letter = tmp_path / "letter.html"
            program.run("handover", PERSON, "--letter", str(letter))
            assert canaries.in_files(letter.parent, but=frozenset({letter, tmp_path / "ring.json"})) == []
            letter.unlink()
            program.run("handover", PERSON, "--letter", str(letter), codes=(1,))
            assert signs_in(program).endswith("the password was not tested because it was handed over")
            program.run("show", "runs")
        finally:
            program.run("undo", "1", "--yes", codes=(0, 3))
    assert seen == []
    assert canaries.in_files(tmp_path, but=frozenset({tmp_path / "ring.json"})) == []
    assert canaries.in_text("\n".join(program.told)) == []
    assert "was handed over as the letter" in "\n".join(e.sentence for e in Site.load(program.site).ledger.worklog())


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster() as started:
        yield started


def test_no_secret_reaches_the_queue_of_many_workers(
    office: Office, program: Program, cluster: Cluster, tmp_path: Path
) -> None:
    """A worker on PostgreSQL carries a request out. Every byte that the server ever wrote is searched: its tables
    (procrastinate's, in the schema provision_queue, as well as the ledger's), what was deleted from them, its
    write-ahead log and its own log.
    """
    (tmp_path / "database-password").write_text(cluster.password)
    settings = program.site / "canary.yml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("ledger:")]
    database = cluster.make_database()
    server = f"{{url: {cluster.url(database)}, password: file:{tmp_path}/database-password}}"
    settings.write_text("\n".join([*lines, f"ledger: {server}", ""]))
    inventory = Site.load(office.site_folder).inventory
    canaries = Canaries(
        {r: Secrets.of(inventory).resolve(r).get_secret_value() for r in references(inventory) if r[-7:] != ".keytab"}
        | {"vault password": VAULT_PASSWORD, "database password": cluster.password}
    )
    site = Site.load(program.site)
    try:
        number = site.ledger.ask(f"onboard {PERSON}", onboard(PERSON).to_plain()).id
        with canaries.watched_processes() as seen:
            told = program.run("worker", "--once")
            waiting = next((tmp_path / "handover").glob("*.initial-password"))
            login = waiting.name.removesuffix(".initial-password")
            canaries.values["initial password"] = waiting.read_text().strip()
            program.run("handover", login, "--letter", str(tmp_path / "letter.html"))
            (tmp_path / "letter.html").unlink()
            program.run("show", "request", str(number))
        assert f"request {number}" in told
        assert site.ledger.request(number).state in {"proven", "partial"}
        with cluster.connect(database) as connection:
            used = connection.execute("SELECT is_called FROM provision_queue.procrastinate_jobs_id_seq").fetchone()
            assert used == (True,), "the queue was not used"
            connection.execute("CHECKPOINT")
        meant = frozenset({cluster.folder / "password"})
        assert Canaries({"login": login}).in_files(cluster.folder), "the search would find nothing"
        assert canaries.in_files(cluster.folder, but=meant) == []
        assert seen == []
        assert canaries.in_text("\n".join(program.told)) == []
        kept = frozenset({tmp_path / "database-password", tmp_path / "ring.json"})
        assert canaries.in_files(tmp_path, but=kept) == []
    finally:
        for run in site.runs():
            if run.record.undoes is None and run.state != "undone":
                program.run("undo", str(run.id), "--yes", codes=(0, 3))
        site.ledger.close()


def test_a_wrong_password_is_not_told(office: Office, program: Program) -> None:
    program.environment["CANARY_VAULT"] = "canary-another-password"
    program.run("plan", "onboard", PERSON, codes=(1,))
    assert "secrets.vault cannot be decrypted" in program.told[-1]
    assert Canaries({"it": "canary-another-password"}).in_text(program.told[-1]) == []
