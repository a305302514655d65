"""The git program, told everything in so many words: it reads nobody's settings, runs no hook, asks nothing, pages
nothing.

Only plumbing is used (git-cat-file, git-fast-import, git-rev-list …), whose output is made for programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from provisioning.errors import LedgerError

__all__ = ["Git", "GitError"]

_SECONDS = 120
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsync=committed,reference",  # a commit that was reported survives a power cut
    "core.quotePath=false",
    "fastimport.unpackLimit=1",  # a pack: one file to be written to the disk, not one an object
    "gc.autoDetach=false",
    "maintenance.auto=false",
)


class GitError(LedgerError):
    """Git did not do it; `said` are its own words (English: the locale is C)."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message, said)
        self.said = said

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Git:
    """One bare repository. `lock` is held by git too: should we be killed, nobody else writes until git has ended."""

    repository: Path
    lock: int | None = None

    def __call__(self, *words: str, stdin: bytes = b"") -> bytes:
        """What ``git WORDS…`` prints. Raises :class:`GitError`."""
        program = _program(os.environ.get("PATH", os.defpath))
        settings = [word for setting in (*_SETTINGS, f"safe.directory={self.repository}") for word in ("-c", setting)]
        try:
            with _in_memory(stdin) as given:
                done = subprocess.run(
                    [program, "--no-pager", *settings, *words],
                    stdin=given,
                    capture_output=True,
                    env=self._environment(),
                    cwd="/",
                    umask=0o077,
                    pass_fds=() if self.lock is None else (self.lock,),
                    timeout=_SECONDS,
                    check=False,
                    start_new_session=True,  # Ctrl-C is for us: a commit under way is finished
                )
        except subprocess.TimeoutExpired as exc:
            raise GitError(f"git {words[0]} did not end in {_SECONDS} s in {self.repository}") from exc
        except OSError as exc:
            raise GitError(f"git cannot be started: {exc.strerror}") from exc
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            first = next((line for line in said.splitlines() if line.startswith(("fatal:", "error:"))), said[:200])
            raise GitError(f"git {words[0]} failed in {self.repository}: {first or done.returncode}", said)
        return done.stdout

    def text(self, *words: str) -> str:
        """What git prints, as text."""
        return self(*words).decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        """All that git may know: nothing of the caller's GIT_* variables, nobody's home."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "TZ": "UTC",
            "HOME": os.devnull,
            "GIT_DIR": str(self.repository),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "SSH_ASKPASS": "false",
            "GIT_EDITOR": "false",
            "GIT_PAGER": "cat",
        }


@cache
def _program(path: str) -> str:
    """Where git is. Raises :class:`GitError`, and looks again the next time."""
    program = shutil.which("git", path=path)
    if program is None:
        raise GitError("the program git is missing, which keeps the archive of configurations; install it")
    return program


@contextmanager
def _in_memory(text: bytes) -> Iterator[int]:
    """A file in memory that holds `text`, to be read from its beginning. A pipe would be filled 4 KiB at a time, and
    while others compute it takes a moment each time until this thread is on again."""
    file = os.memfd_create("git")
    try:
        left = memoryview(text)
        while left:
            left = left[os.write(file, left) :]
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)
