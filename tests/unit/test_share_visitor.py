"""How a folder is visited in somebody's name: which programs are started, and what is made of what they say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from provisioning.connections.share_visitor import ShareVisitor
from provisioning.connections.stand_in_tickets import StandInTickets
from provisioning.secrets import Secrets
from provisioning.site.load import load

EXAMPLE = Path(__file__).parents[2] / "inventories" / "example"
DENIED = "NT_STATUS_ACCESS_DENIED listing \\anna\\*\n"
Answer = Callable[[str], str]


class Programs:
    """Stands in for smbclient and kvno: `started` are their names, `answer` is what smbclient prints for a command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
        self.started: list[str] = []
        self.answer = answer
        monkeypatch.setattr(StandInTickets, "sign_in", lambda _: None)
        monkeypatch.setattr(StandInTickets, "ticket", self._ticket)
        monkeypatch.setattr(StandInTickets, "run", self._run)

    def _ticket(self, _login: str, _host: str) -> Path:
        self.started.append("kvno")
        return Path("ticket")

    def _run(self, words: Sequence[str], _tickets: str) -> subprocess.CompletedProcess[str]:
        self.started.append(words[0])
        return subprocess.CompletedProcess(list(words), 0, self.answer(words[-1]), "")


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Answer], tuple[ShareVisitor, Programs]]:
    def make(answer: Answer) -> tuple[ShareVisitor, Programs]:
        programs = Programs(monkeypatch, answer)
        site = load(EXAMPLE)
        assert site.files is not None
        return ShareVisitor("files:files", site.files.servers["files"], site, Secrets(tmp_path, tmp_path)), programs

    return make


Visitor = Callable[[Answer], tuple[ShareVisitor, Programs]]


def kept(commands: str) -> str:
    """A server that keeps what is put there."""
    match = re.search(r'put "(.+?)" "(.+?)"; get "\2" "(.+?)"; del "\2"', commands)
    assert match, commands
    Path(match[3]).write_bytes(Path(match[1]).read_bytes())
    return ""


def test_one_ticket_and_one_program_write_read_and_remove(visitor: Visitor) -> None:
    visit, programs = visitor(kept)
    assert visit.writes_and_reads("anna", "homes$\\anna") is None
    assert programs.started == ["kvno", "smbclient"]
    visit.close()


def test_a_file_that_stays_or_does_not_come_back_is_a_refusal(visitor: Visitor) -> None:
    visit, programs = visitor(lambda commands: f"{kept(commands)}NT_STATUS_ACCESS_DENIED deleting remote file\n")
    assert visit.writes_and_reads("anna", "homes$\\anna") == "NT_STATUS_ACCESS_DENIED deleting remote file"
    programs.answer = lambda _: "NT_STATUS_DISK_FULL opening remote file\n"
    assert visit.writes_and_reads("anna", "homes$\\anna") == "NT_STATUS_DISK_FULL opening remote file"
    visit.close()


def test_whoever_is_refused_both_is_kept_out_with_one_ticket(visitor: Visitor) -> None:
    visit, programs = visitor(lambda _: DENIED)
    assert visit.is_kept_out("svc-check", "homes$\\anna")
    assert programs.started == ["kvno", "smbclient", "smbclient"]
    visit.close()


@pytest.mark.parametrize("open_for", ["ls", "put"])
def test_whoever_may_list_or_write_is_not_kept_out(visitor: Visitor, open_for: str) -> None:
    def answer(commands: str) -> str:
        if not commands.startswith(open_for):
            return DENIED
        return kept(commands) if open_for == "put" else "  .   D   0  Mon\n"

    visit, _ = visitor(answer)
    assert not visit.is_kept_out("svc-check", "homes$\\anna")
    visit.close()
