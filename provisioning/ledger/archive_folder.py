"""The folder of the archive of configurations: private, locked while somebody writes, with its key and its
repository.

Nothing here knows what is kept; ``archive.py`` does.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from provisioning.errors import LedgerError, SecretError
from provisioning.ledger.git import Git, GitError
from provisioning.secrets.fingerprints import fingerprint_key

__all__ = ["MAIN", "ArchiveFolder"]

MAIN = "refs/heads/main"
_LOCK_SECONDS, _LOOK_SECONDS = 120.0, 0.02
_PACKS = 40
_ROOM = 256 * 1024  # bytes: what git needs beside the configurations
_LEFT_BEHIND = re.compile(r"Unable to create '(?P<file>[^']+\.lock)': File exists")


@dataclass(frozen=True)
class ArchiveFolder:
    """``FOLDER/configurations.git``, the key of its fingerprints, ``FOLDER/lock``."""

    folder: Path

    @property
    def git(self) -> Git:
        """The repository; it may not be there yet (:attr:`exists`)."""
        return Git(self.folder / "configurations.git")

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        try:
            return (self.folder / "configurations.git" / "HEAD").exists()
        except OSError as exc:
            raise self._fault(exc) from exc

    def key(self) -> bytes:
        """The key that fingerprints are made with; made on first use. Raises :class:`LedgerError`."""
        try:
            return fingerprint_key(self.folder)
        except SecretError as exc:
            raise LedgerError(str(exc)) from exc

    @contextmanager
    def writing(self) -> Iterator[Git]:
        """Nobody else writes during the block: no thread and no process, and no git whose program was killed. What
        writes is the git that this gives. Raises :class:`LedgerError`."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.folder.stat().st_mode & 0o777
            if mode & 0o077:
                raise LedgerError(f"{self.folder} is open to others (mode {mode:o}); `chmod 700 {self.folder}`")
            file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise self._fault(exc) from exc
        try:
            self._wait_for(file)
            yield Git(self.git.repository, file)
        finally:
            os.close(file)  # the lock goes with it, and with a git that is still at work if we are killed

    def _wait_for(self, file: int) -> None:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LedgerError(
                        f"another process has been writing into {self.folder} for {_LOCK_SECONDS:.0f} s; "
                        "find and end it"
                    ) from None
                time.sleep(_LOOK_SECONDS)
            else:
                return

    def prepare(self, git: Git) -> None:
        """Make the repository if it is not there. Only while :meth:`writing`, with its git. It appears whole: a
        half-made one is made again."""
        if self.exists:
            return
        made = self.folder / "configurations.git.new"
        try:
            if made.exists():
                shutil.rmtree(made)
            words = ("--quiet", "--bare", "--initial-branch=main", "--template=", "--object-format=sha1")
            Git(made, git.lock)("init", *words)
            made.rename(self.folder / "configurations.git")
        except OSError as exc:
            raise self._fault(exc) from exc

    def write(self, git: Git, stream: bytes) -> bytes:
        """Let git-fast-import read `stream`, and what it answers. Only while :meth:`writing`, with its git."""
        words = ("fast-import", "--quiet", "--done", "--date-format=raw")
        try:
            said = git(*words, stdin=stream)
        except GitError as exc:
            left = [Path(found["file"]) for found in _LEFT_BEHIND.finditer(exc.said)]
            self.sweep()
            if any(map(self._removed, left)):
                return git(*words, stdin=stream)
            if shutil.disk_usage(self.folder).free < _ROOM + len(stream):
                raise LedgerError(f"the disk of {self.folder} is full; make room there, then do it again") from exc
            raise
        self._gather(git)
        return said

    def _gather(self, git: Git) -> None:
        """Every commit is a pack of its own. Many of them are put together, the small ones first (git-repack(1)):
        it takes a moment, however much there is."""
        with suppress(OSError):
            if sum(1 for _ in (self.folder / "configurations.git/objects/pack").glob("*.pack")) < _PACKS:
                return
        with suppress(GitError):  # it can be done next time as well
            git("repack", "--geometric=2", "-d", "--quiet")

    def sweep(self) -> None:
        """Remove what a git that was killed or found no room began to write. Only while :meth:`writing`."""
        repository = self.folder / "configurations.git"
        for left in (*repository.glob("fast_import_crash_*"), *repository.glob("objects/**/tmp_*")):
            with suppress(OSError):
                left.unlink()

    def _removed(self, lock: Path) -> bool:
        """Remove a lock of git's that a killed process left: we alone write, so no living one holds it."""
        if lock.name != "HEAD.lock" and (self.folder / "configurations.git" / "refs") not in lock.parents:
            return False
        with suppress(OSError):
            lock.unlink()
        return not lock.exists()

    def _fault(self, exc: Exception) -> LedgerError:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        return LedgerError(
            f"the archive of configurations {self.folder} cannot be used: {why}; correct the folder, or "
            "`network: archive:` in the site"
        )
