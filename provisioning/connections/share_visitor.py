"""Folders of a file server as one person sees them: written to, read and listed with a ticket in that person's name, by
Samba's own smbclient and independently of our code."""

from __future__ import annotations

import re
import secrets as random
import shutil
import tempfile
from pathlib import Path

from provisioning.connections.stand_in_tickets import StandInTickets, last_line
from provisioning.errors import RejectedError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.files import FileServer

_DENIED = "NT_STATUS_ACCESS_DENIED"
_NO_ANSWER = re.compile(r"NT_STATUS_(CONNECTION|HOST_UNREACHABLE|IO_TIMEOUT|NETWORK)[A-Z_]*")
_ROOM = re.compile(r"^\s*(\d+) blocks of size (\d+)\.", re.MULTILINE)
"""The last line of smbclient's ls; its words are the same in every language."""
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\";]+")
"""What smbclient's command line, where ; separates commands, takes between quotes."""


class ShareVisitor:
    """Tickets live in a private folder that :meth:`close` removes."""

    def __init__(self, target: str, server: FileServer, inventory: Inventory, secrets: Secrets) -> None:
        if server.check is None:
            raise RejectedError(target, "the site does not say how to open folders as somebody else (files: check)")
        self._target = target
        self._server = server
        self.folder = Path(tempfile.mkdtemp(prefix="provisioning-visit-"))  # mkdtemp makes it 0700
        check, directory = server.check, inventory.directory
        self._tickets = StandInTickets(target, self.folder, directory.domain, check, secrets.path(check.keytab))
        (self.folder / "smb.conf").write_text(
            f"[global]\n realm = {directory.domain.upper()}\n workgroup = {directory.netbios_domain}\n"
            " client min protocol = SMB3\n client signing = required\n"
            f" lock directory = {self.folder}\n state directory = {self.folder}\n cache directory = {self.folder}\n"
            f" private dir = {self.folder}\n pid directory = {self.folder}\n log file = {self.folder}/log\n",
            encoding="utf-8",
        )
        try:
            self._tickets.sign_in()
        except BaseException:
            self.close()
            raise

    def writes_and_reads(self, login: str, path: str) -> str | None:
        """Write a small file into the folder, read it back, remove it. ``None`` when all of it works, otherwise what
        was refused."""
        content, name = random.token_bytes(64), f".provisioning-check-{random.token_hex(8)}"
        sent, back = self.folder / f"sent-{name}", self.folder / f"back-{name}"
        sent.write_bytes(content)
        there = self._inside(path, name)
        said = self._visit(login, path, f'put "{sent}" "{there}"; get "{there}" "{back}"; del "{there}"')
        read = back.exists() and back.read_bytes() == content
        return None if read and _DENIED not in said else _complaint(said)

    def is_kept_out(self, login: str, path: str) -> bool:
        """Whether the server refuses to list the folder and to write into it. Raises :class:`RejectedError` when it
        says something else, :class:`UnreachableError` when it says nothing."""
        name = f".provisioning-check-{random.token_hex(8)}"
        sent, back = self.folder / f"sent-{name}", self.folder / f"back-{name}"
        sent.write_bytes(b"nothing")
        there = self._inside(path, name)
        ticket = self._ticket(login)
        for commands in (
            f'ls "{self._inside(path, "*")}"',
            f'put "{sent}" "{there}"; get "{there}" "{back}"; del "{there}"',
        ):
            said = self._visit(login, path, commands, ticket)
            if _DENIED not in said or back.exists():
                return False
        return True

    def room(self, login: str, path: str) -> int:
        """How many octets the disk behind a folder has for this person, who sees no more of it than the quota. Raises
        :class:`RejectedError` when the person does not get in there."""
        said = self._visit(login, path, f'ls "{self._inside(path, "*")}"')
        if (found := _ROOM.search(said)) is None:
            raise RejectedError(self._target, f"{login} cannot list {path} ({_complaint(said)})")
        return int(found[1]) * int(found[2])

    def close(self) -> None:
        """Remove all tickets."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _inside(self, path: str, name: str) -> str:
        """A name in the folder, below the share. Always whole: a folder that cannot be entered must not lead to
        another one."""
        if not _PLAIN.fullmatch(path):
            raise RejectedError(self._target, f"{path!r} is not a path that can be opened for a check")
        return "\\".join(filter(None, (path.partition("\\")[2], name)))

    def _ticket(self, login: str) -> Path:
        """A fresh one: it says in which groups the person is now."""
        return self._tickets.ticket(login, self._server.server.host)

    def _visit(self, login: str, path: str, commands: str, ticket: Path | None = None) -> str:
        place = self._server.server
        share = path.partition("\\")[0]
        cache = ticket or self._ticket(login)
        words = ["smbclient", "-s", str(self.folder / "smb.conf"), "-N", "--use-kerberos=required"]
        words += [f"--use-krb5-ccache={cache}", "-p", str(place.port), "-t", str(self._server.timeout)]
        words += ["-I", str(place.address)] if place.address else []
        done = self._tickets.run([*words, f"//{place.host}/{share}", "-c", commands], f"FILE:{cache}")
        said = f"{done.stdout}\n{done.stderr}"
        if _NO_ANSWER.search(said):
            raise UnreachableError(self._target, f"{place.host} does not answer {login} ({last_line(said)})")
        if "session setup failed" in said:
            raise RejectedError(
                self._target,
                f"{place.host} does not take the ticket in the name of {login} ({last_line(said)}); the keytab may be "
                "older than the server's password: export it again",
            )
        return said


def _complaint(said: str) -> str:
    """The first NT status that smbclient names: later ones only follow from it."""
    return last_line(next((line for line in said.splitlines() if "NT_STATUS_" in line), said))
