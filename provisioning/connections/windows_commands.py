"""Command lines for cmd.exe, built from words.

The rule. cmd.exe reads a line before the program does, and gives meaning to ``& | < > ^ ( ) % ! "`` and line
breaks:

* a word of harmless characters goes as it is; any other word goes into double quotes, where cmd.exe leaves
  ``& | < > ^ ( )`` and spaces alone;
* what keeps its meaning inside quotes is refused: ``"`` and control characters always; ``%`` and ``!`` on a
  command line. In a batch file of ours ``%`` is doubled and ``!`` is harmless, since delayed expansion is off
  there;
* backslashes before the closing quote are doubled, as the C runtime's argument parser wants it;
* the program, first on the line, must be a harmless word (``cmd /c`` treats a leading quote in its own way);
* a line has at most 8,191 characters (Microsoft support article 830473).

Whoever needs a refused character sends it inside a file instead (a .reg file, for example).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from provisioning.errors import RequestError

MAX_COMMAND_LINE = 8191
_PREAMBLE = ("@echo off", "setlocal DisableDelayedExpansion")
_UTF_8 = "chcp 65001 >nul 2>nul"
_STEP = "provisioning-step:"
_CODES = "provisioning-codes:"
_HARMLESS = re.compile(r"[A-Za-z0-9_\\/:.,{}@+=~$#*?-]+")
_OPTION = re.compile(r"([A-Z][A-Z0-9_.]*)=(.*)", re.DOTALL)


def command_line(words: Sequence[str]) -> str:
    """One command as ``cmd.exe /c`` takes it. Raises :class:`RequestError` for what cannot be said safely."""
    return _line(words, batch=False)


def one_command_file(words: Sequence[str]) -> str:
    """A batch file that runs one command, which may have ``%`` and ``!`` in its words, and ends with its exit code."""
    return _file([_line(words, batch=True), "exit /b %ERRORLEVEL%"])


def batch_file(commands: Sequence[Sequence[str]], doubts: Mapping[int, Sequence[Sequence[str]]] | None = None) -> str:
    """A batch file that runs the commands in turn, silently, and then prints their exit codes (see :func:`codes_in`),
    always all of them.

    `doubts` are commands to run where the command of that number ended with 1, one after the other until one of them
    does not; what they print on standard output is printed.

    To be written as UTF-8. A batch file among the commands must be run as ``cmd /c FILE``, or control would not
    come back from it. Raises :class:`RequestError` for what cannot be said safely.
    """
    lines = []
    for number, words in enumerate(commands):
        variable = f"provisioning{number}"
        lines += [f"{_line(words, batch=True)} >nul 2>nul", f"set {variable}=%ERRORLEVEL%"]
        so_far = "1"
        for doubt in (doubts or {}).get(number, ()):
            still = f"if %{variable}%=={so_far}"
            lines += [f"{still} {_line(doubt, batch=True)} 2>nul", f"{still} set {variable}={so_far}.%ERRORLEVEL%"]
            so_far += ".1"  # a comma would end the word
    # all at the end: each time that something is printed is a message of its own
    lines += [f"echo {_CODES}{number}:%provisioning{number}%" for number in range(len(commands))]
    return _file([*lines, "exit /b 0"])


def codes_in(printed: str) -> list[list[int]]:
    """The exit codes of each command of such a file: its own, and those of its doubts that were run."""
    found = re.findall(rf"^{_CODES}(\d+):(-?\d+(?:\.-?\d+)*)[ \r]*$", printed, re.MULTILINE)
    codes = {int(number): [int(code) & 0xFFFFFFFF for code in said.split(".")] for number, said in found}
    return [codes[number] for number in sorted(codes)]


def printing_batch_file(commands: Sequence[Sequence[str]]) -> str:
    """A batch file that runs the commands in turn and prints what they print on standard output, whatever their exit
    codes. To be written as UTF-8. Raises :class:`RequestError` for what cannot be said safely."""
    return _file([*(f"{_line(words, batch=True)} 2>nul" for words in commands), "exit /b 0"])


def stepping_batch_file(commands: Sequence[Sequence[str]], removed: Sequence[str] = ()) -> str:
    """A batch file that runs the commands in turn and prints what they print on standard output, behind each the exit
    code (see :func:`steps_in`); then it deletes the files `removed`. To be written as UTF-8. Raises
    :class:`RequestError` for what cannot be said safely."""
    lines = []
    for number, words in enumerate(commands):
        lines += [f"{_line(words, batch=True)} 2>nul", f"echo {_STEP}{number}:%ERRORLEVEL%"]
    lines += [f"{_line(['del', '/q', path], batch=True)} >nul 2>nul" for path in removed]
    return _file([*lines, "exit /b 0"])


def _file(lines: Sequence[str]) -> str:
    """A whole batch file. cmd.exe reads it in the code page of its console, so that is only changed, by a program that
    takes its time to start, where the text is more than ASCII."""
    code_page = () if all(line.isascii() for line in lines) else (_UTF_8,)
    return "\r\n".join([*_PREAMBLE, *code_page, *lines, ""])


def steps_in(printed: str) -> list[tuple[int, str]]:
    """Exit code and output of each command of such a file, as far as it came."""
    found: list[tuple[int, str]] = []
    begin = 0
    for match in re.finditer(rf"^{_STEP}(\d+):(-?\d+)[ \r]*\n", printed, re.MULTILINE):
        if int(match[1]) == len(found):
            found.append((int(match[2]) & 0xFFFFFFFF, printed[begin : match.start()]))
            begin = match.end()
    return found


def _line(words: Sequence[str], *, batch: bool) -> str:
    if not words or not _HARMLESS.fullmatch(words[0]):
        raise RequestError(
            f"{words[0] if words else ''!r} cannot begin a Windows command line; use a path without spaces or signs"
        )
    line = " ".join([words[0], *(_quoted(word, batch=batch) for word in words[1:])])
    if len(line) > MAX_COMMAND_LINE:
        raise RequestError(
            f"the command line for {words[0]} has {len(line)} characters; cmd.exe takes {MAX_COMMAND_LINE}"
        )
    return line


def _quoted(word: str, *, batch: bool) -> str:
    refused = '"' if batch else '"%!'
    for char in word:
        if char in refused or unicodedata.category(char) in {"Cc", "Zl", "Zp"}:
            raise RequestError(
                f"{word!r} contains {char!r}, which a Windows command line cannot carry safely; rename it"
            )
    if batch:
        word = word.replace("%", "%%")
    if _HARMLESS.fullmatch(word):
        return word
    prefix, inner = "", word
    if option := _OPTION.fullmatch(word):  # NAME="some value": msiexec wants the quotes after the =
        prefix, inner = f"{option.group(1)}=", option.group(2)
    trailing = len(inner) - len(inner.rstrip("\\"))
    return f'{prefix}"{inner}{chr(92) * trailing}"'
