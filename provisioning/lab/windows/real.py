"""What the lab's PCs do for real beside Wine: programs that Wine lacks or only pretends to have.

:data:`REAL` names them. A command line that runs one of them, alone or inside a batch file of the plain form that
:mod:`provisioning.connections.windows_commands` writes, is carried out by a process of its own, ``python -m
provisioning.lab.windows.real ERRAND.json``, so that it can be killed as any other command; the lines that run other
programs go to Wine's cmd.exe one by one. A new one is one function here or in its own file, and one line of the dict.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from provisioning.lab.windows.machine import Ended, Machine
from provisioning.lab.windows.refusals import NOT_SUPPORTED, program_of, refusal

RealCommand = Callable[[Machine, list[str]], Ended]
"""``command(machine, words)``: does what the Windows program does, with the words behind its name."""

REAL: Mapping[str, str] = {
    "certutil": "certutil",
    "curl": "curl",
    "djoin": "djoin",
    "shutdown": "power",
    "tzutil": "tzutil",
}
"""Program name in lower case, without ``.exe`` → the module beside this one whose function of the program's name does
it. Loaded when it is run: a process of its own does each, and most of what it takes is importing."""

CMD = "C:\\windows\\system32\\cmd.exe"
_NOT_FOUND = 9009  # cmd.exe's exit code for a program that it does not find
_HARMLESS_LINES = re.compile(r"@echo off|setlocal DisableDelayedExpansion|chcp 65001( >nul 2>nul)?", re.IGNORECASE)
_EXIT = re.compile(r"exit /b (\d+|%ERRORLEVEL%)", re.IGNORECASE)
_TO_NUL = re.compile(r"(\s+[12]?>\s*nul)+\s*$", re.IGNORECASE)
_NO_OUTPUT = re.compile(r"\s1?>\s*nul\b", re.IGNORECASE)
_NO_ERRORS = re.compile(r"\s2>\s*nul\b", re.IGNORECASE)
_SET_CODE = re.compile(r"set (\w+)=%ERRORLEVEL%", re.IGNORECASE)
_ECHO_CODE = re.compile(r"echo ([\w:-]*)%(\w+)%", re.IGNORECASE)
_NOT_INLINE = re.compile(r"%[~*0-9]|^\s*:|\b(goto|exit|call|for|shift)\b", re.IGNORECASE)
_PROGRAM = re.compile(r"(if %\w+%==\S+ )?([A-Za-z]:[\w\\.-]+|[\w.-]+)(\s|$)", re.IGNORECASE)
_BUILT_IN = {"echo", "set", "setlocal", "endlocal", "if", "rem", "del", "copy", "move", "md", "rd", "type", "cd", "cmd"}
_BATCH = re.compile(r'(?:cmd(?:\.exe)?\s+/c\s+)?"?([A-Za-z]:[^"\s]+\.(?:cmd|bat))"?\s*', re.IGNORECASE)


def wants_real(machine: Machine, line: str) -> bool:
    """Whether this command line runs one of :data:`REAL`, directly or in a plain batch file."""
    if program_of(line) in REAL:
        return True
    batch = _plain_batch(machine, line)
    return batch is not None and any(program_of(one) in REAL for one in batch)


def quickly(machine: Machine, line: str, verdict: str) -> list[str] | None:
    """The words of a process that carries the line out sooner than this module would, which has much to import."""
    if program_of(line) != "certutil" or set(line) & set("&|<>^"):
        return None
    from provisioning.lab.windows import certutil  # noqa: PLC0415 - others do not need it

    return certutil.alone(machine, machine.words(line)[1:], verdict)


def perform(machine: Machine, line: str) -> Ended:
    """Carry a command line out."""
    batch = _plain_batch(machine, line)
    if batch is None:
        return _one(machine, line)
    output = Ended(0)
    level = 0
    kept: dict[str, int] = {}
    for one in batch:
        if _HARMLESS_LINES.fullmatch(one):
            continue
        if leaving := _EXIT.fullmatch(one):
            return output.and_then(Ended(level if leaving[1].startswith("%") else int(leaving[1])))
        if keeping := _SET_CODE.fullmatch(one):
            kept[keeping[1].lower()] = level
            continue
        if echo := _ECHO_CODE.fullmatch(one):
            output = output.and_then(Ended(0, f"{echo[1]}{kept.get(echo[2].lower(), level)}\r\n"))
            continue
        ended = _one(machine, one.replace("%%", "%"))
        level = ended.code
        output = output.and_then(_redirected(ended, one))
    return output.and_then(Ended(level))


def _redirected(ended: Ended, line: str) -> Ended:
    to_nul = _TO_NUL.search(line)
    words = to_nul[0] if to_nul else ""
    return ended.silenced(output=bool(_NO_OUTPUT.search(words)), errors=bool(_NO_ERRORS.search(words)))


def _one(machine: Machine, line: str) -> Ended:
    program = program_of(line)
    sentence = refusal(line, REAL)
    if sentence is not None:
        return Ended(NOT_SUPPORTED, stderr=f"{sentence}\r\n")
    if program not in REAL:
        return _by_wine(machine, line)
    bare = _TO_NUL.sub("", line)
    if re.search(r"""[&|<>^](?=(?:[^"]*"[^"]*")*[^"]*$)""", bare):
        return Ended(NOT_SUPPORTED, stderr=f"lab: {program} with & | < > ^ around it is not done here\r\n")
    words = machine.words(bare)
    command: RealCommand = getattr(import_module(f"provisioning.lab.windows.{REAL[program]}"), program)
    return command(machine, words[1:])


def _by_wine(machine: Machine, line: str) -> Ended:
    """One other line, by Wine's cmd.exe; its whole exit code comes through a file."""
    import subprocess  # noqa: PLC0415 - most errands need neither

    from provisioning.lab.windows.prefix import wine_command, wine_environment  # noqa: PLC0415

    folder = machine.prefix / "drive_c/windows/temp"
    batch = folder / f"real-{machine.errand}.cmd"
    verdict = batch.with_suffix(".rc")
    doubled = line.replace("%", "%%")
    batch.write_text(f"@echo off\r\n{doubled}\r\n>C:\\windows\\temp\\{verdict.name} echo %ERRORLEVEL%\r\n", newline="")
    try:
        done = subprocess.run(
            wine_command(CMD, "/c", f"C:\\windows\\temp\\{batch.name}"),
            env=wine_environment(machine.prefix),
            cwd=machine.prefix / "drive_c/windows",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        code = int(verdict.read_text().strip()) if verdict.exists() else done.returncode or _NOT_FOUND
        return Ended(code, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    finally:
        batch.unlink(missing_ok=True)
        verdict.unlink(missing_ok=True)


def _plain_batch(machine: Machine, line: str) -> list[str] | None:
    match = _BATCH.fullmatch(line.strip())
    if match is None:
        return None
    path = machine.path(match[1])
    if not path.is_file():
        return None
    lines = [one for one in path.read_bytes().decode("utf-8", "replace").split("\r\n") if one.strip()]
    if not lines or lines[0].lower() != "@echo off" or any(re.match(r"\s*(:|goto\b|for\b|if\b)", one) for one in lines):
        return None
    return lines


def inlined(machine: Machine, line: str) -> tuple[list[str], str] | None:
    """The lines of the batch file that this command line runs, and the exit code with which it ends, for one that can
    be run as lines of another: it says nothing of its own name and arguments, and leaves at its end. So one cmd.exe
    starts for it, as on Windows, where the shell's cmd.exe runs the file."""
    match = _BATCH.fullmatch(line.strip())
    if match is None or not line.strip('" ').casefold().startswith(match[1].casefold()):
        return None
    path = machine.path(match[1])
    lines = path.read_bytes().decode("utf-8", "replace").split("\r\n") if path.is_file() else []
    lines = [one for one in lines if one.strip()]
    leaving = _EXIT.fullmatch(lines[-1]) if lines else None
    if leaving is None or any(_NOT_INLINE.search(one) for one in lines[:-1]):
        return None
    return lines[:-1], leaving[1]


def started_again(line: str) -> list[str]:
    """The line, and behind it the same once more for the case that Wine could not start its program (exit code 9009
    for one that is there; about 1 in 20,000). What was not started did nothing, so nothing is done twice; another
    cmd.exe may end with the code of what it ran, so that is left alone."""
    program = _PROGRAM.match(line)
    name = "" if program is None else program[2].lower().rpartition("\\")[2].removesuffix(".exe")
    if name in _BUILT_IN or not name:
        return [line]
    return [line, f"if %ERRORLEVEL%=={_NOT_FOUND} {line}"]


def main(errand: Path) -> int:
    """Carry out the errand that the endpoint wrote down; the exit code goes to its `verdict` file, whole."""
    plain = json.loads(errand.read_text(encoding="utf-8"))
    ended = perform(Machine.load(Path(plain["machine"]), errand.stem), plain["line"])
    sys.stdout.buffer.write(ended.stdout.encode("utf-8"))
    sys.stderr.buffer.write(ended.stderr.encode("utf-8"))
    sys.stdout.flush()
    Path(plain["verdict"]).write_text(str(ended.code))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
