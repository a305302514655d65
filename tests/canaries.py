"""Looking for secrets where they must not be."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from tests.ledger_files import octets


class Canaries:
    """Recognisable secrets by name. A finding names the secret and the place, never the value."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        assert all(len(value) >= 8 for value in self.values.values()), "too short to be told from other text"

    def in_bytes(self, content: bytes) -> list[str]:
        """The names of the secrets in `content`, in UTF-8 or UTF-16."""
        return [
            name
            for name, value in self.values.items()
            if any(value.encode(coding) in content for coding in ("utf-8", "utf-16-le"))
        ]

    def in_text(self, text: str) -> list[str]:
        """The names of the secrets in `text`."""
        return self.in_bytes(text.encode("utf-8", "surrogatepass"))

    def in_files(self, *folders: Path, but: frozenset[Path] = frozenset()) -> list[str]:
        """``name in file`` for every file below `folders`, without those that are meant to hold them."""
        findings = []
        for folder in folders:
            for file in sorted(folder.rglob("*")):
                if file.is_file() and not file.is_symlink() and file not in but:
                    findings += [f"{name} in {file}" for name in self.in_bytes(octets(file))]
        return findings

    def in_exception(self, error: BaseException) -> list[str]:
        """What an error reporter could see of `error`: its texts, its pickle, all that it came from, and the local
        variables of our own frames.
        """
        findings = []
        for one in _family(error):
            texts = [str(one), repr(one), repr(one.__dict__), "".join(traceback.format_exception(one))]
            with suppress(Exception):  # errors of libraries need not be picklable
                findings += self.in_bytes(pickle.dumps(one))
            findings += [name for text in texts for name in self.in_text(text)]
            for frame in _our_frames(one):
                what = ", ".join(f"{name}={value!r}" for name, value in frame.f_locals.items())
                findings += [f"{name} in {frame.f_code.co_qualname}" for name in self.in_text(what)]
        return findings

    @contextmanager
    def watched_processes(self) -> Iterator[list[str]]:
        """Reads the arguments of every process of this machine, as often as it can; gives what it finds."""
        findings: list[str] = []
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.005):
                for arguments in Path("/proc").glob("[0-9]*/cmdline"):
                    with suppress(OSError):
                        found = self.in_bytes(arguments.read_bytes())
                        findings.extend(f"{name} in the arguments of a process" for name in found)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield findings
        finally:
            stop.set()
            thread.join()


def _family(error: BaseException | None) -> Iterator[BaseException]:
    todo, seen = [error], set[int]()
    while todo:
        one = todo.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [one.__cause__, one.__context__]


def _our_frames(error: BaseException) -> Iterator[FrameType]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "/provisioning/" in frame.f_code.co_filename:
            yield frame
