"""``provision handover`` and ``provision secrets check``, from words to exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site, onboard
from provisioning.cli import handover
from provisioning.cli.program import PROGRAM
from provisioning.resources.directory.accounts import Account
from tests.memory import MemorySystem
from tests.servicedesk import NAME, changes
from tests.unit.cli_office import Office, install, write_site

LOGIN = "sofia.rossi"
IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())


@dataclass
class Desk:
    """Somebody who hands passwords over."""

    folder: Path
    office: Office
    opened: list[Site]

    def site(self) -> Site:
        self.opened.append(Site.load(self.folder))
        return self.opened[-1]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words])

    def refused(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 1, result.output
        assert "bug" not in result.stderr
        return result.stderr

    def issue(self, login: str = LOGIN) -> str:
        site = self.site()
        return site.secrets.issue_initial_password(login, site.inventory.directory.passwords).get_secret_value()

    def log(self) -> str:
        return "\n".join(entry.sentence for entry in self.site().ledger.worklog())

    def hand_over_as(self, setting: str) -> None:
        file = self.folder / "site.yml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("handover:")]
        file.write_text("\n".join([*lines, f"handover: {setting}", ""]))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    office, opened = Office(), list[Site]()
    office.sessions = type(office.sessions)({**office.sessions.systems, "directory": MemorySystem()})
    install(office, monkeypatch.setattr, monkeypatch.setitem)
    load = Site.load

    def remember(folder: Path) -> Site:
        opened.append(load(folder))
        return opened[-1]

    monkeypatch.setattr(Site, "load", remember)
    there = Desk(write_site(tmp_path), office, opened)
    there.hand_over_as(str(tmp_path / "handover"))
    yield there
    for site in opened:
        if "ledger" in vars(site):
            site.ledger.close()


def test_who_waits(desk: Desk) -> None:
    result = desk.run("handover")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No initial password waits." in result.stderr
    desk.issue("b.two")
    desk.issue("a.one")
    assert desk.run("handover").stdout == "a.one\nb.two\n"


def test_a_way_must_be_named(desk: Desk) -> None:
    desk.issue()
    assert "say how sofia.rossi gets the password: --letter FILE, --age-recipient KEY" in desk.refused(
        "handover", LOGIN
    )
    assert "three ways" in desk.refused("handover", LOGIN, "--show", "--letter", "x.html")
    assert "--to says where" in desk.refused("handover", LOGIN, "--to", "x", "--letter", "x.html")
    assert "--show is for a terminal" in desk.refused("handover", LOGIN, "--show")
    assert "not an age recipient" in desk.refused("handover", LOGIN, "--age-recipient", "age1x")
    assert "expected a file name that ends in .html" in desk.refused("handover", LOGIN, "--letter", "x.pdf")
    assert desk.site().secrets.waiting.waits(LOGIN)
    assert desk.log() == ""


def test_a_letter_once(desk: Desk, tmp_path: Path) -> None:
    password, file = desk.issue(), tmp_path / "letter.html"
    result = desk.run("handover", LOGIN, "--letter", str(file))
    assert result.exit_code == 0, result.output
    assert f"was handed over as the letter {file}" in result.stderr
    assert password in file.read_text(encoding="utf-8")
    assert password not in result.output
    assert "was handed over as the letter" in desk.log()
    assert password not in desk.log()
    assert "no initial password of sofia.rossi waits" in desk.refused("handover", LOGIN, "--letter", f"{file}2.html")
    assert not (tmp_path / "letter.html2.html").exists()


def test_letters_as_the_site_has_it(desk: Desk, tmp_path: Path) -> None:
    desk.hand_over_as(f"{{folder: {tmp_path}/out, form: letter, note: Help desk 100}}")
    desk.issue()
    assert desk.run("handover", LOGIN).exit_code == 0
    assert "Help desk 100" in (tmp_path / "out" / f"{LOGIN}.letter.html").read_text()
    assert desk.run("handover").stdout == ""


def test_encrypted_to_somebody(desk: Desk, tmp_path: Path) -> None:
    password = desk.issue()
    result = desk.run("handover", LOGIN, "--age-recipient", RECIPIENT)
    assert result.exit_code == 0
    assert pyrage.decrypt(result.stdout.encode(), [IDENTITY]).decode() == password + "\n"
    assert RECIPIENT in desk.log()


def test_encrypted_as_the_site_has_it(desk: Desk, tmp_path: Path) -> None:
    desk.hand_over_as(f"{{folder: {tmp_path}/out, form: age, recipients: [{RECIPIENT}]}}")
    password = desk.issue()
    assert "only its recipients can open it" in desk.refused("handover", LOGIN, "--letter", str(tmp_path / "a.html"))
    assert desk.run("handover", LOGIN, "--to", str(tmp_path / "for-sofia.age")).exit_code == 0
    assert pyrage.decrypt((tmp_path / "for-sofia.age").read_bytes(), [IDENTITY]).decode() == password + "\n"
    assert "no initial password" in desk.refused("handover", LOGIN, "--to", str(tmp_path / "b"))


def test_a_person_is_looked_up_in_the_directory(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [Account(LOGIN, "E1042", "CN=x", "Sofia"), Account("other", "", "CN=y", "y")]
    monkeypatch.setattr(handover, "read_accounts", lambda *_, **__: accounts)
    desk.issue()
    result = desk.run("handover", "E1042", "--letter", str(tmp_path / "x.html"))
    assert result.exit_code == 0, result.output
    person = desk.site().inventory.people["E1042"]
    assert f"{LOGIN} ({person.given_name} {person.family_name})" in desk.log()
    accounts[0] = Account(LOGIN, "", "CN=x", "Sofia")
    assert "E1042 has no account" in desk.refused("handover", "E1042", "--letter", str(tmp_path / "y.html"))
    accounts[:] = [Account("a", "E1042", "", ""), Account("b", "E1042", "", "")]
    assert "E1042 has several accounts: a, b" in desk.refused("handover", "E1042", "--letter", str(tmp_path / "y.html"))


def test_the_hand_over_is_part_of_the_story_of_the_request(desk: Desk, tmp_path: Path) -> None:
    """The account was made by a run of this ledger, so the letter has the name and the request tells of it."""
    site, login = desk.site(), "anna.petrova"
    run = site.ledger.begin("onboard E1042", onboard("E1042").to_plain(), changes()[:1], asked=True)
    desk.issue(login)
    file = tmp_path / "it's.html"
    result = desk.run("handover", login, "--letter", str(file))
    assert result.exit_code == 0, result.output
    assert f"The initial password of {login} ({NAME}) was handed over as the letter" in result.stderr
    assert "then delete the file: rm '" in result.stderr
    assert NAME in file.read_text(encoding="utf-8")
    told = [entry.sentence for entry in site.ledger.worklog(request_id=run.request_id)]
    assert f"The initial password of {login} ({NAME}) was handed over as the letter {file}, and destroyed here." in told
    assert "destroyed here" in desk.run("show", "request", str(run.request_id)).stdout


def test_on_a_terminal(desk: Desk) -> None:
    password = desk.issue()
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "provisioning.cli", "--site", str(desk.folder), "handover", LOGIN, "--show"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert os.read(ours, 4096).decode().strip() == password
    os.close(ours)
    assert password not in error.decode()
    assert "was handed over on a terminal" in desk.log()
    assert not desk.site().secrets.waiting.waits(LOGIN)


# ------------------------------------------------------------------------------------------- secrets check


def test_where_references_lead(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = desk.run("secrets", "check", "--output", "json")
    assert result.exit_code == 1
    verdicts = json.loads(result.stdout)
    assert {v["reference"].partition(":")[0] for v in verdicts} == {"file", f"file in {tmp_path}/handover"}
    for verdict in verdicts:
        if verdict["reference"].startswith("file:"):
            assert "cannot be read" in (verdict["problem"] or ""), verdict
            path = Path(verdict["reference"].removeprefix("file:"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("canary-value\n")
            path.chmod(0o600)
    result = desk.run("secrets", "check")
    assert result.exit_code == 0, result.output
    assert "canary-value" not in result.output
    assert all(line.startswith(("ok ", "   ")) for line in result.stdout.splitlines()), result.stdout
    assert "(directory: credential: password)" in result.stdout
    path.chmod(0o644)
    result = desk.run("secrets", "check")
    assert result.exit_code == 0
    assert "others on this machine can read the file (mode 0644); chmod 600" in result.stdout


def test_a_hand_over_that_cannot_work_is_found(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    desk.hand_over_as(f"{tmp_path}/out")
    assert "this is not a folder" in desk.run("secrets", "check").stdout
    (tmp_path / "wide").mkdir(mode=0o755)
    desk.hand_over_as(f"{tmp_path}/wide")
    assert "others can look into the folder (mode 0755)" in desk.run("secrets", "check").stdout
