"""The archive of configurations: what every switch was told, at every time that somebody looked.

On the branch ``main`` of a private Git repository there is one file a switch, ``NAME.cfg``, secrets masked; a commit
for each round or run that found something new. ``refs/runs/N`` has the files of the switches that run N changed, as
they were before it, whether or not they were new. Nothing unmasked ever reaches git: it is handed text that was masked
already.

A commit appears whole or not at all (git writes objects first, references last); a process that is killed in between
leaves objects that nothing names, and the next round writes what it would have written.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from provisioning.dialects import load
from provisioning.dialects.masking import masked
from provisioning.errors import LedgerError, RequestError
from provisioning.ledger.archive_folder import MAIN, ArchiveFolder
from provisioning.ledger.archive_heads import Heads
from provisioning.ledger.who import acting_user
from provisioning.resources.base import Keepsake

__all__ = ["Archive", "Kept", "Moment", "Revision"]

_FORMAT = "%x1e%H%x1f%at%x1f%an%x1f%s%x1f%(trailers:key=Run,valueonly,separator=%x2c)%x1f"
_NAMED = 5  # switches that a title names

Moment = str | int | datetime | None
"""A revision as people name it: a commit, the number of the run that it was kept before, a time; ``None``: the
latest."""


@dataclass(frozen=True)
class Revision:
    """One commit. `switches` are those whose configuration it changed; `run` is the run that it was kept before."""

    commit: str
    at: datetime
    who: str
    title: str
    run: int | None
    switches: tuple[str, ...]

    @property
    def short(self) -> str:
        """The commit, as people write it."""
        return self.commit[:10]


@dataclass(frozen=True)
class Kept:
    """What came of keeping configurations: the commit (``None``: nothing was new), and whose was new."""

    commit: str | None
    changed: tuple[str, ...]


@dataclass(eq=False)
class _Note:
    """Configurations that wait to be written, already masked, and what came of it."""

    texts: Mapping[str, bytes]
    title: str | None
    run: int | None
    aside: bool
    kept: Kept | None = None
    error: str | None = None

    @property
    def commit(self) -> tuple[object, ...]:
        """Notes that say the same of their commit can share one."""
        return self.title, self.run, self.aside


@dataclass
class _Desk:
    """One writer at a time in this process; it takes along what others have waiting for the same commit."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Note] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)
    heads: Heads = field(default_factory=Heads)


_DESKS: dict[Path, _Desk] = {}
_DESKS_GUARD = threading.Lock()


class Archive:
    """The archive in `folder`, made on first use. May be shared by threads and processes.

    Everything raises :class:`LedgerError` when the folder or git does not do its part, with what to do next.
    """

    def __init__(self, folder: Path) -> None:
        self.place = ArchiveFolder(folder)
        with _DESKS_GUARD:
            self._desk = _DESKS.setdefault(folder.absolute(), _Desk())

    # -- writing

    def keep(
        self,
        keepsakes: Sequence[Keepsake],
        *,
        title: str | None = None,
        run: int | None = None,
        aside: bool = False,
    ) -> Kept:
        """Mask configurations and write down what is new, as one commit. With `run` they are also kept as what was
        before that run (the first time that each switch is named; `title` is the run's then); `aside`, only so: the
        latest configuration that is kept stays the latest.

        Threads that keep something for the same run at the same time share a commit.
        """
        note = _Note({one.name: self.masked(one).encode() for one in keepsakes}, title, run, aside)
        with self._desk.guard:
            self._desk.waiting.append(note)
        with self._desk.turn:
            if note.kept is None and note.error is None:
                self._write_waiting(note)
        if note.error is not None:
            raise LedgerError(note.error)
        return note.kept or Kept(None, ())

    def masked(self, keepsake: Keepsake) -> str:
        """A configuration as the archive has it. Raises :class:`LedgerError` for one that says nothing."""
        text = masked(keepsake.text, load(keepsake.dialect).mask, self.place.key())
        if not text:
            raise LedgerError(f"{keepsake.name} printed no configuration at all; it was not archived")
        return text

    def _write_waiting(self, note: _Note) -> None:
        with self._desk.guard:
            mine = [one for one in self._desk.waiting if one.commit == note.commit]
            self._desk.waiting = [one for one in self._desk.waiting if one not in mine]
        error = "the archive of configurations was interrupted while it was written"
        try:
            kept = self._write(note, {name: text for one in mine for name, text in one.texts.items()})
            for one in mine:
                one.kept = Kept(kept.commit, tuple(name for name in kept.changed if name in one.texts))
        except LedgerError as exc:
            error = str(exc)
        finally:
            for one in mine:
                one.error = error if one.kept is None else None

    def _write(self, note: _Note, texts: Mapping[str, bytes]) -> Kept:
        with self.place.writing() as git:
            self.place.prepare(git)
            before = None if note.run is None else f"refs/runs/{note.run}"
            heads = self._desk.heads
            latest, kept = heads.files(git, MAIN), heads.files(git, before) if before else None
            new = {name: t for name, t in texts.items() if (latest or {}).get(f"{name}.cfg") != _blob(t)}
            changed = {} if note.aside else new
            fresh = {name: t for name, t in texts.items() if before and f"{name}.cfg" not in (kept or {})}
            stream = _Stream(note.title, note.run)
            if changed:
                stream.commit(MAIN, changed, follows=latest is not None)
            if before and fresh:
                stream.commit(before, fresh, follows=kept is not None)
            said = self.place.write(git, stream.done()).decode().split() if changed or fresh else []
            written = [(branch, some) for branch, some in ((MAIN, changed), (before, fresh)) if branch and some]
            for (branch, some), commit in zip(written, said, strict=True):
                heads.wrote(branch, commit, {f"{name}.cfg": _blob(text) for name, text in some.items()})
            return Kept(said[0] if changed else None, tuple(sorted(changed)))

    def tidy(self) -> None:
        """Let git pack what it keeps, when it is worth it. For rounds, not before changes: it may take seconds."""
        if self.place.exists:
            with self.place.writing() as git:
                self.place.sweep()
                git("gc", "--auto", "--quiet")

    def _objects(self, names: Sequence[str]) -> dict[str, str]:
        """Name → object, for those that there are."""
        lines = self.place.git("cat-file", "--batch-check=%(objectname)", stdin="\n".join(names).encode() + b"\n")
        found = zip(names, lines.decode().splitlines(), strict=True)
        return {name: line for name, line in found if re.fullmatch("[0-9a-f]{40}", line)}

    # -- reading

    def log(self, switch: str | None = None, limit: int = 50) -> list[Revision]:
        """The latest commits, newest first; only those that changed `switch`, where it is given."""
        if not self.place.exists or MAIN not in self._objects([MAIN]):
            return []
        return self._revisions(MAIN, switch, f"--max-count={limit}")

    def switches(self) -> tuple[str, ...]:
        """The switches that something is kept of."""
        if not self.place.exists or MAIN not in self._objects([MAIN]):
            return ()
        names = self.place.git.text("ls-tree", "--name-only", MAIN).splitlines()
        return tuple(name.removesuffix(".cfg") for name in names if name.endswith(".cfg"))

    def before(self, run: int) -> Revision | None:
        """What was kept before a run; ``None``: nothing."""
        name = f"refs/runs/{run}"
        if not self.place.exists or name not in self._objects([name]):
            return None
        latest = self._revisions(name, None, "--max-count=1")[0]
        names = self.place.git.text("ls-tree", "--name-only", name).splitlines()
        return Revision(**{**vars(latest), "switches": tuple(name.removesuffix(".cfg") for name in names)})

    def find(self, switch: str, moment: Moment = None) -> Revision:
        """The revision of a switch that was in force at `moment`. Raises :class:`RequestError` when there is none."""
        if not self.place.exists or switch not in self.switches():
            raise RequestError(f"nothing is archived of {switch} yet; `provision config archive {switch}` does it")
        name = {str: str(moment), int: f"refs/runs/{moment}"}.get(type(moment), MAIN)
        words = [f"--until={moment.astimezone(UTC).isoformat()}"] if isinstance(moment, datetime) else []
        if isinstance(moment, str) and not re.fullmatch("[0-9a-f]{4,40}", moment):
            raise RequestError(f"{moment!r} is not a commit; `provision config log {switch}` lists them")
        here = self._objects([f"{name}^{{commit}}", f"{name}:{switch}.cfg"])
        if len(here) < 2:
            raise RequestError(f"the archive has nothing of {switch} {_words(moment)}; {_advice(switch)}")
        found = self._revisions(name, switch, "--max-count=1", *words)
        if not found:
            raise RequestError(f"the archive has nothing of {switch} that is so old; {_advice(switch)}")
        return found[0]

    def read(self, switch: str, revision: Revision) -> str:
        """The configuration of a switch in a revision, secrets masked."""
        return self.place.git.text("cat-file", "blob", f"{revision.commit}:{switch}.cfg")

    def _revisions(self, name: str, switch: str | None, *words: str) -> list[Revision]:
        said = self.place.git.text(
            *("log", "--no-show-signature", "--no-mailmap", "--no-color", "--no-renames", "--name-only"),
            *(f"--format={_FORMAT}", *words, name, "--", *([f"{switch}.cfg"] if switch else [])),
        )
        return [_revision(record) for record in said.split("\x1e")[1:]]


def _revision(record: str) -> Revision:
    commit, at, who, title, run, names = record.split("\x1f")
    return Revision(
        commit,
        datetime.fromtimestamp(int(at), UTC),
        who,
        title,
        int(run) if run.isdecimal() else None,
        tuple(name.removesuffix(".cfg") for name in names.split("\n") if name),
    )


class _Stream:
    """What git-fast-import is told (git-fast-import(1), "Input format")."""

    def __init__(self, title: str | None, run: int | None) -> None:
        self._title, self._run = title, run
        self._parts: list[bytes] = [b"feature done\nfeature get-mark\n"]
        self._marks: list[int] = []
        who = re.sub(r"[^\w.@ -]", "", acting_user()).strip() or "unknown"
        host = re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname()) or "localhost"
        self._who = f"{who} <{who.replace(' ', '.')}@{host}> {int(time.time())} +0000"

    def commit(self, name: str, texts: Mapping[str, bytes], *, follows: bool) -> None:
        """A commit of these files on the reference `name`, on top of what is there if it `follows` something. Git
        answers with what it is called."""
        message, mark = self._message(sorted(texts)).encode(), len(self._marks) + 1
        self._marks.append(mark)
        self._parts.append(f"commit {name}\nmark :{mark}\nauthor {self._who}\ncommitter {self._who}\n".encode())
        self._parts.append(b"data %d\n%s\n" % (len(message), message))
        if follows:
            self._parts.append(f"from {name}^0\n".encode())
        for switch, text in sorted(texts.items()):
            self._parts.append(b"M 100644 inline %s.cfg\ndata %d\n%s\n" % (switch.encode(), len(text), text))

    def _message(self, switches: Sequence[str]) -> str:
        title = "".join(char if char.isprintable() else "?" for char in self._title or "")
        if self._run is not None:
            return f"Before run {self._run}: {title}\n\nSwitches: {' '.join(switches)}\nRun: {self._run}\n"
        more = f" and {len(switches) - _NAMED} more" if len(switches) > _NAMED else ""
        return f"{title or 'Round'}: {', '.join(switches[:_NAMED])}{more}\n\nSwitches: {' '.join(switches)}\n"

    def done(self) -> bytes:
        asked = [b"get-mark :%d\n" % mark for mark in self._marks]
        return b"".join([*self._parts, *asked, b"done\n"])


def _blob(text: bytes) -> str:
    """The name of a blob (gitformat-pack(5), object storage): SHA-1 over its kind, length and content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(text), text), usedforsecurity=False).hexdigest()


def _words(moment: Moment) -> str:
    match moment:
        case int():
            return f"before run {moment}"
        case str():
            return f"in {moment}"
        case _:
            return "at all"


def _advice(switch: str) -> str:
    return f"`provision config log {switch}` lists what there is"
