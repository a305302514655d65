"""Words to command lines: what is quoted, what is refused; and what the lab's PCs refuse to pretend."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.connections.windows_commands import (
    batch_file,
    codes_in,
    command_line,
    one_command_file,
    printing_batch_file,
    stepping_batch_file,
    steps_in,
)
from provisioning.errors import RequestError
from provisioning.lab.windows import real, wsman
from provisioning.lab.windows.machine import Machine
from provisioning.lab.windows.refusals import refusal
from provisioning.resources.windows.package import InstalledPackage


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["hostname"], "hostname"),
        (["reg", "query", "HKLM\\SOFTWARE\\A b"], 'reg query "HKLM\\SOFTWARE\\A b"'),
        (["reg", "query", "HKLM\\A&B|C<D>E^F(G)"], 'reg query "HKLM\\A&B|C<D>E^F(G)"'),
        (["x", ""], 'x ""'),
        (["x", "C:\\a b\\"], 'x "C:\\a b\\\\"'),
        (["reg", "query", "HKLM\\Ключ"], 'reg query "HKLM\\Ключ"'),
        (["msiexec", "/i", "C:\\x.msi", "NAME=a b&c"], 'msiexec /i C:\\x.msi NAME="a b&c"'),
        (
            ["msiexec", "/x", "{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E420}"],
            "msiexec /x {0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E420}",
        ),
    ],
)
def test_command_line(words: list[str], line: str) -> None:
    assert command_line(words) == line


@pytest.mark.parametrize(
    "word", ['a"b', "%PATH%", "a!b", "a\nb", "a\rb", "a\x00b", "a\tb", "a\u2028b", 'X="&calc', "X=%a%"]
)
def test_words_that_cannot_be_said(word: str) -> None:
    with pytest.raises(RequestError, match="carry safely"):
        command_line(["echo", word])


@pytest.mark.parametrize("program", ["", "a b", '"a"', "a&b", "%COMSPEC%", "Ключ"])
def test_programs_that_cannot_begin_a_line(program: str) -> None:
    with pytest.raises(RequestError, match="begin"):
        command_line([program])


def test_a_line_ends_at_8191_characters() -> None:
    assert len(command_line(["x", "a" * 8189])) == 8191
    with pytest.raises(RequestError, match="8192 characters"):
        command_line(["x", "a" * 8190])


def test_batch_file_doubles_per_cent_signs_and_says_every_exit_code() -> None:
    commands = [["reg", "query", "HKLM\\100% !"], ["hostname"]]
    assert batch_file(commands, {1: [["reg", "query", "A"], ["reg", "query", "B"]]}).split("\r\n") == [
        "@echo off",
        "setlocal DisableDelayedExpansion",
        'reg query "HKLM\\100%% !" >nul 2>nul',
        "set provisioning0=%ERRORLEVEL%",
        "hostname >nul 2>nul",
        "set provisioning1=%ERRORLEVEL%",
        "if %provisioning1%==1 reg query A 2>nul",
        "if %provisioning1%==1 set provisioning1=1.%ERRORLEVEL%",
        "if %provisioning1%==1.1 reg query B 2>nul",
        "if %provisioning1%==1.1 set provisioning1=1.1.%ERRORLEVEL%",
        "echo provisioning-codes:0:%provisioning0%",
        "echo provisioning-codes:1:%provisioning1%",
        "exit /b 0",
        "",
    ]


def test_a_batch_file_changes_the_code_page_only_for_what_is_not_ascii() -> None:
    assert "chcp 65001 >nul 2>nul" in batch_file([["reg", "query", "HKLM\\Ключ"]]).split("\r\n")
    assert "chcp" not in batch_file([["reg", "query", "HKLM\\Key"]])


def test_exit_codes_are_read_from_among_what_the_doubts_printed() -> None:
    printed = "\r\nHKEY_LOCAL_MACHINE\\A\r\n1\r\nprovisioning-codes:0:1.0\r\nprovisioning-codes:1:-1073741502 \r\n"
    assert codes_in(printed) == [[1, 0], [0xC0000142]]


@given(st.lists(st.text(max_size=15), min_size=1, max_size=4))
def test_no_word_leaves_its_quotes(words: list[str]) -> None:
    try:
        line = command_line(["echo", *words])
    except RequestError:
        return
    outside = "".join(part for number, part in enumerate(line.split('"')) if number % 2 == 0)
    assert line.count('"') % 2 == 0
    assert not set(outside) & set("&|<>^()%!\r\n")
    assert line == "echo " + " ".join(command_line(["x", word])[2:] for word in words)


@pytest.mark.parametrize(
    "line",
    [
        "netsh advfirewall show",
        "NETSH.EXE x",
        "C:\\Windows\\System32\\icacls.exe x",
        '"certutil" -hashfile x SHA256',
        "powershell -c 1",
        "echo a & shutdown /s",
        "dir | findstr x",
        "schtasks /query",
        "rundll32 printui.dll,PrintUIEntry",
        "@tasklist",
        "hostname && ver",
        "hostname || ver",
        "robocopy a b",
    ],
)
def test_the_lab_refuses_what_wine_only_pretends(line: str) -> None:
    assert (refusal(line) or "").startswith("lab: ")


@pytest.mark.parametrize(
    "line",
    [
        "hostname",
        'echo "a && netsh"',
        "schtasks /create /xml C:\\t.xml /tn x",
        "reg query HKLM\\netsh",
        "msiexec /x {A}",
        "",
    ],
)
def test_the_lab_runs_what_wine_really_does(line: str) -> None:
    assert refusal(line) is None


def test_faults_and_requests_of_ws_management() -> None:
    with pytest.raises(wsman.WsmanError, match="document types"):
        wsman.parse(b'<!DOCTYPE x [<!ENTITY a "b">]><x/>')
    with pytest.raises(wsman.WsmanError, match="not XML"):
        wsman.parse(b"")
    answer = wsman.fault(None, wsman.WsmanError(wsman.TIMED_OUT, "w:TimedOut", "a < b & c"))
    assert b'Code="2150858793"' in answer
    assert b"a &lt; b &amp; c" in answer


def test_versions_are_numbers() -> None:
    assert InstalledPackage(version="4.2.0").agrees_with(InstalledPackage(version="4.2", product_code=None))
    assert not InstalledPackage(version="4.10").agrees_with(InstalledPackage(version="4.1"))
    assert InstalledPackage(version="4.2b").agrees_with(InstalledPackage(version="4.2b"))


def test_quoting_agrees_with_the_c_runtime() -> None:
    words = ["C:\\a b\\", "c d", "e\\f"]
    assert command_line(["x", *words]) == subprocess.list2cmdline(["x", *words])


# -- one step after the other ------------------------------------------------------------------------------------------


def test_steps_are_told_apart_by_their_exit_codes() -> None:
    text = stepping_batch_file([["reg", "query", "HKLM\\x"], ["msiexec", "/i", "C:\\a.msi"]], ["C:\\a.msi"])
    lines = text.split("\r\n")
    assert lines[2:] == [
        "reg query HKLM\\x 2>nul",
        "echo provisioning-step:0:%ERRORLEVEL%",
        "msiexec /i C:\\a.msi 2>nul",
        "echo provisioning-step:1:%ERRORLEVEL%",
        "del /q C:\\a.msi >nul 2>nul",
        "exit /b 0",
        "",
    ]
    printed = (
        "\nHKEY_LOCAL_MACHINE\\x\n    1    REG_SZ    7\n\nprovisioning-step:0:0\nprovisioning-step:1:-1073741819\n"
    )
    assert steps_in(printed) == [(0, "\nHKEY_LOCAL_MACHINE\\x\n    1    REG_SZ    7\n\n"), (0xC0000005, "")]


@pytest.mark.parametrize("cut", [0, 5, 21, 22])
def test_a_step_that_did_not_end_is_not_among_them(cut: int) -> None:
    printed = "provisioning-step:0:0\nprovisioning-step:1:3010\n"
    assert steps_in(printed[:cut]) == ([(0, "")] if cut == 22 else [])


def test_what_a_program_prints_is_no_step_of_ours() -> None:
    assert steps_in("provisioning-step:1:0\n    provisioning-step:0:1\nprovisioning-step:0:5 \n") == [
        (5, "provisioning-step:1:0\n    provisioning-step:0:1\n")
    ]


# -- batch files on the lab's PCs ------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "prefix/drive_c/a"
    folder.mkdir(parents=True)
    (folder / "f").write_bytes(b"content")
    return Machine(
        name="WS-1",
        host="ws-1.corp.example",
        address="127.0.0.1",
        folder=tmp_path,
        user="admin",
        password=tmp_path / "password",
        authority=tmp_path,
    )


def performed(machine: Machine, batch: str) -> str:
    machine.path("C:\\a\\batch.cmd").write_text(batch, newline="")
    return real.perform(machine, "C:\\a\\batch.cmd").stdout


HASHES = [["certutil", "-hashfile", "C:\\a\\f", "SHA256"], ["certutil", "-hashfile", "C:\\a\\none", "SHA256"]]


def test_a_batch_file_that_drops_errors_keeps_what_is_printed(machine: Machine) -> None:
    printed = performed(machine, printing_batch_file([HASHES[0], HASHES[0]]))
    assert printed.count(hashlib.sha256(b"content").hexdigest()) == 2


def test_a_silent_batch_file_gives_the_exit_codes_alone(machine: Machine) -> None:
    printed = performed(machine, batch_file(HASHES))
    assert codes_in(printed) == [[0], [0x80070002]]
    assert len(printed.splitlines()) == 2


@pytest.mark.parametrize(
    ("batch", "inlined"),
    [
        (
            one_command_file(["tool", "100%"]),
            (["@echo off", "setlocal DisableDelayedExpansion", 'tool "100%%"'], "%ERRORLEVEL%"),
        ),
        ("@echo off\r\nexit /b 3010\r\n", (["@echo off"], "3010")),
        ("@echo off\r\nexit 3\r\nexit /b 0\r\n", None),
        ("echo %~dp0\r\nexit /b 0\r\n", None),
        ("goto :end\r\n:end\r\nexit /b 0\r\n", None),
        ("hostname\r\n", None),
    ],
)
def test_one_cmd_runs_a_batch_file_that_leaves_at_its_end(
    machine: Machine, batch: str, inlined: tuple[list[str], str] | None
) -> None:
    machine.path("C:\\a\\batch.cmd").write_text(batch, newline="")
    assert real.inlined(machine, "C:\\a\\batch.cmd") == inlined
    assert real.inlined(machine, "cmd /c C:\\a\\batch.cmd") is None


@pytest.mark.parametrize(
    "line", ["@echo off", "echo codes:%a%", "set a=%ERRORLEVEL%", "cmd /c C:\\a.cmd", ">C:\\a echo b"]
)
def test_what_starts_no_program_is_not_started_again(line: str) -> None:
    assert real.started_again(line) == [line]


@pytest.mark.parametrize("line", ["reg query HKLM", "C:\\a\\setup.exe /S >nul", "if %a%==1.1 reg query HKLM 2>nul"])
def test_a_program_that_wine_did_not_find_is_started_again(line: str) -> None:
    assert real.started_again(line) == [line, f"if %ERRORLEVEL%==9009 {line}"]
