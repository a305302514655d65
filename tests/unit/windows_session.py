"""A PC in memory: what it is asked to run, and the exit codes that it gives. For what the lab's Wine cannot do."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from provisioning.connections.parcel import Parcel
from provisioning.connections.windows import Result, WindowsSession
from provisioning.connections.windows_commands import stepping_batch_file
from provisioning.connections.windows_tree import GoneError
from provisioning.errors import RejectedError
from provisioning.secrets import Secrets
from provisioning.site import Inventory

FOLDER = "C:\\Windows\\provisioning-0"
Answer = Callable[[str], "int | str | Exception"]
"""``answer(line)``: an exit code, what is printed (exit code 0), or what is raised."""


class FakePc:
    """Stands in for a :class:`WindowsSession`. `ran` are command lines; of a batch file, its last command."""

    def __init__(self, inventory: Inventory, folder: Path, answer: Answer = lambda _: 0) -> None:
        self.target = "windows:WS-0042"
        self.inventory = inventory
        self.secrets = Secrets(inventory.folder, folder)
        self.answer = answer
        self.files: dict[str, bytes] = {}
        self.written: list[tuple[str, bytes]] = []
        self.ran: list[str] = []
        self.sent: list[list[str]] = []
        self.exported: dict[str, str] = {}
        self.commands_begun = 0
        self.shares: dict[str, bytes] = {}

    @property
    def session(self) -> WindowsSession:
        return cast(WindowsSession, self)

    def run(self, words: Sequence[str], *, timeout: float = 60.0) -> Result:
        line = " ".join(words)
        name = line.rpartition("\\")[2]
        if name in self.files and name.endswith(".cmd"):
            lines = self.files[name].decode("utf-8").split("\r\n")
            line = next(one for one in lines if not one.startswith(("@echo", "setlocal", "chcp")))
        self.ran.append(line)
        self.commands_begun += 1
        answer = self.answer(line)
        if isinstance(answer, Exception):
            raise answer
        return Result(answer, "", "") if isinstance(answer, int) else Result(0, answer, "")

    def run_all(self, commands: Sequence[Sequence[str]], *, timeout: float = 60.0) -> list[int]:
        self.commands_begun += 1
        return [self._export(words[2], words[3]) if words[:2] == ["reg", "export"] else 0 for words in commands]

    def run_doubting(
        self, commands: Sequence[Sequence[str]], doubts: Mapping[int, Sequence[Sequence[str]]], *, timeout: float = 60.0
    ) -> tuple[list[list[int]], str]:
        """Keys that are not `exported` do not exist, while those above them do."""
        return [[code] if code == 0 else [code, 0] for code in self.run_all(commands)], ""

    def _export(self, key: str, path: str) -> int:
        if (text := self.exported.get(key)) is None:
            return 1
        content = f"Windows Registry Editor Version 5.00\r\n\r\n{text}"
        self.files[path.rpartition("\\")[2]] = b"\xff\xfe" + content.encode("utf-16-le")
        return 0

    def run_in_turn(
        self, commands: Sequence[Sequence[str]], *, timeout: float, removed: Sequence[str] = ()
    ) -> list[Result]:
        """A command for which `answer` raises :class:`RejectedError` hangs."""
        self.write("steps.cmd", stepping_batch_file(commands, removed).encode("utf-8"))
        found: list[Result] = []
        for words in commands:
            try:
                found.append(self.run(words))
                if words[:2] == ["reg", "export"]:
                    found[-1] = Result(self._export(words[2], words[3]), "", "")
            except RejectedError:
                return found
        for path in removed:
            self.delete(path.rpartition("\\")[2])
        return found

    def output_of(self, commands: Sequence[Sequence[str]], *, timeout: float = 60.0) -> str:
        return "".join(self.run(words).stdout for words in commands)

    def put_all(self, parcels: Sequence[Parcel]) -> list[str]:
        self.sent.append([one.name for one in parcels])
        return [self.write(one.name, one.local.read_bytes()) for one in parcels]

    def write(self, name: str, content: bytes) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise RejectedError(self.target, f"{name!r} is not a plain file name")
        self.files[name] = content
        self.written.append((name, content))
        return f"{FOLDER}\\{name}"

    def path(self, name: str) -> str:
        return f"{FOLDER}\\{name}"

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def shared(self, path: str) -> str | None:
        return path[3:] if path.startswith("C:\\") else None

    def tree(self) -> FakePc:
        return self

    @contextmanager
    def reading(self, path: str) -> Iterator[io.BytesIO]:
        content = self.shares.get(path, self.files.get(path.rpartition("\\")[2]))
        if content is None:
            raise GoneError(path)
        yield io.BytesIO(content)


def with_software(inventory: Inventory, name: str, plain: dict[str, Any], **windows: object) -> Inventory:
    """The site with one package more (or another one of that name), and other rules of the section ``windows``."""
    package = type(next(iter(inventory.software.values()))).model_validate(plain, context={"folder": inventory.folder})
    changed: dict[str, object] = {"software": {**inventory.software, name: package}}
    if windows:
        changed |= {"windows": inventory.windows.model_copy(update=windows)}
    return inventory.model_copy(update=changed)
