"""Words to command lines: what is quoted, what is refused; and what the lab's PCs refuse to pretend."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.connections.windows_commands import batch_file, command_line, stepping_batch_file, steps_in
from provisioning.errors import RequestError
from provisioning.lab.windows import wsman
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
    assert batch_file([["reg", "query", "HKLM\\100% !"], ["hostname"]]).split("\r\n") == [
        "@echo off",
        "setlocal DisableDelayedExpansion",
        "chcp 65001 >nul 2>nul",
        'reg query "HKLM\\100%% !" >nul 2>nul',
        "echo %ERRORLEVEL%",
        "hostname >nul 2>nul",
        "echo %ERRORLEVEL%",
        "exit /b 0",
        "",
    ]


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
    assert lines[3:] == [
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
