"""``provision softphone``: the SIP account of somebody without a desk phone, from words to exit code."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest
from click.testing import CliRunner, Result

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.lab.site_copy import write_site
from tests.conftest import EXAMPLE

IDENTITY = pyrage.x25519.Identity.generate()
RECIPIENT = str(IDENTITY.to_public())


@dataclass
class Desk:
    """Somebody with a copy of the example site, in which 1042 is E1042's and 1043 E1043's."""

    folder: Path

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(PROGRAM, ["--site", str(self.folder), "softphone", *words])

    def refused(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 1, result.output
        assert "bug" not in result.stderr
        return result.stderr

    def site(self) -> Site:
        return Site.load(self.folder)

    def log(self) -> str:
        site = self.site()
        try:
            return "\n".join(entry.sentence for entry in site.ledger.worklog())
        finally:
            site.ledger.close()

    def password(self, extension: str = "1042") -> str:
        kept = self.site().secrets.phone_passwords.current(extension)
        assert kept is not None
        return kept.password.get_secret_value()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "site"
    write_site(EXAMPLE, folder, 253)
    for file in folder.glob("*.yml"):
        file.write_text(file.read_text().replace("/var/lib/provisioning-lab/253", str(tmp_path)), encoding="utf-8")
    site = Site.load(folder)
    site.secrets.phone_passwords.issue("1042", "E1042")
    site.secrets.phone_passwords.issue("1043", "E1043")
    return Desk(folder)


def test_what_is_kept_is_listed_without_a_password(desk: Desk) -> None:
    listed = desk.run()
    assert (listed.exit_code, listed.stdout.splitlines()[0]) == (0, "1042  E1042  Анна Петрова")
    assert desk.password() not in listed.output


@pytest.mark.parametrize("name", ["E1042", "1042"])
def test_a_letter_has_everything_that_a_softphone_asks_for(desk: Desk, tmp_path: Path, name: str) -> None:
    letter = tmp_path / "letter.html"
    done = desk.run(name, "--letter", str(letter))
    assert done.exit_code == 0, done.output
    page = letter.read_text(encoding="utf-8")
    for word in ("Анна Петрова", "1042", "corp.example", "sip.corp.example, port 5060", "UDP", desk.password()):
        assert f">{word}<" in page, word
    assert letter.stat().st_mode & 0o777 == 0o600
    log = desk.log()
    assert f"The SIP password of 1042 (Анна Петрова) was handed over as the letter {letter}." in log
    assert desk.password() not in log + done.output, "it is in the letter, and nowhere else"
    assert desk.refused(name, "--letter", str(letter)), "a letter is not overwritten"
    assert desk.run(name, "--letter", str(tmp_path / "second.html")).exit_code == 0, (
        "it is kept, so it can be given again"
    )


def test_it_is_encrypted_to_its_reader(desk: Desk, tmp_path: Path) -> None:
    sealed = tmp_path / "for-anna.age"
    done = desk.run("E1042", "--age-recipient", RECIPIENT, "--to", str(sealed))
    assert done.exit_code == 0, done.output
    assert pyrage.decrypt(sealed.read_bytes(), [IDENTITY]).decode().strip() == desk.password()
    assert desk.password() not in done.output


def test_it_is_shown_on_a_terminal_only(desk: Desk) -> None:
    assert "--show is for a terminal" in desk.refused("1042", "--show")
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "provisioning.cli", "--site", str(desk.folder), "softphone", "1042", "--show"]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=True
    )
    os.close(theirs)
    assert os.read(ours, 1000).decode().strip() == desk.password()
    os.close(ours)
    assert desk.password() not in done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("E1024", "--letter", "x.html"), "the site has no person or extension 'E1024'; did you mean"),
        (("E1001", "--letter", "x.html"), "no SIP password of E1001 is kept here; onboard E1001"),
        (("1042",), "say how it is given out: --letter FILE, --age-recipient KEY or --show"),
        (("1042", "--show", "--letter", "x.html"), "one of them"),
        (("1042", "--letter", "x.html", "--to", "y"), "--to says where what is encrypted goes"),
        (("1042", "--letter", "x.txt"), ".html"),
        (("1042", "--age-recipient", "no key"), "no key"),
    ],
)
def test_bad_words_change_nothing(desk: Desk, words: tuple[str, ...], said: str) -> None:
    assert said in desk.refused(*words)
    assert desk.log() == ""


def test_a_failed_hand_over_is_in_the_log(desk: Desk, tmp_path: Path) -> None:
    desk.refused("1042", "--letter", str(tmp_path / "no" / "such" / "folder.html"))
    assert "was handed over as" not in desk.log()


def test_a_site_without_telephones_says_so(desk: Desk) -> None:
    (desk.folder / "phones.yml").unlink()
    profiles = desk.folder / "profiles.yml"
    lines = [line for line in profiles.read_text(encoding="utf-8").splitlines() if "phone_class" not in line]
    profiles.write_text("\n".join(lines), encoding="utf-8")
    equipment = desk.folder / "equipment.csv"
    rows = [row for row in equipment.read_text(encoding="utf-8").splitlines() if "telephone" not in row]
    equipment.write_text("\n".join(rows), encoding="utf-8")
    assert "add phones: to it" in desk.refused("1042", "--show")
