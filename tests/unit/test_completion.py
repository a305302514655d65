"""What the Tab key gets: quickly, from the site's files alone, and never a word when something is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from provisioning.cli.completion import ARGUMENTS, BY_NAME, OPTIONS, SHELLS
from provisioning.cli.completion_verbs import spelt
from provisioning.cli.program import PROGRAM, VERBS
from tests.conftest import EXAMPLE

_HEAVY = ("pydantic", "sqlalchemy", "ldap3", "netmiko", "paramiko", "jinja2", "provisioning.api", "provisioning.site")


def asked(words: str, at: int, site: Path | None = EXAMPLE, of: str = "bash") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "_PROVISION_COMPLETE": f"{of}_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    environment.pop("PROVISION_SITE", None)
    if site is not None:
        environment["PROVISION_SITE"] = str(site)
    return subprocess.run(
        [sys.executable, "-m", "provisioning.cli"], env=environment, capture_output=True, text=True, check=False
    )


def offered(words: str, at: int, site: Path | None = EXAMPLE) -> list[str]:
    done = asked(words, at, site)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [
        ("provision mo", 1, ["move"]),
        ("provision -v mo", 2, ["move"]),
        ("provision --s", 1, ["--site"]),
        ("provision move E104", 2, ["E1042", "E1043"]),
        ("provision move pet", 2, ["petrova.anna"]),
        ("provision move Пет", 2, ["Петрова.Анна"]),
        ("provision move joe", 2, []),
        ("provision move jorg", 2, ["jorg.muller"]),
        ("provision move ws-004", 2, ["WS-0042", "WS-0043"]),
        ("provision move E1042 --to B-204", 4, ["B-204-1", "B-204-2", "B-204-3"]),
        ("provision move E1042 --to 204-2", 4, ["B-204-2"]),
        ("provision move --with e1042", 3, ["E1042"]),
        ("provision patch b2-08", 2, ["B2-08A", "B2-08B", "B2-08C"]),
        ("provision connect ", 2, ["printer-sales", "scanner-accounting", "phone-204-3"]),
        ("provision move --from x", 3, ["x"]),
        ("provision move --swap e104", 3, ["E1042", "E1043"]),
        ("provision rename pet", 2, ["petrova.anna"]),
        ("provision check pet", 2, ["E1042"]),
        ("provision install arch", 2, ["archive-tool"]),
        ("provision install archive-tool --for petr", 4, ["petrova.anna"]),
        ("provision install archive-tool --for e1042 --sto", 5, ["--stop-at"]),
        ("provision reassign E1042 --from s", 4, ["sales"]),
        ("provision custody give ws-004", 3, ["WS-0042", "WS-0043"]),
        ("provision custody give ws-0042 --to muller", 5, ["muller.jorg"]),
        ("provision custody r", 2, ["return-list", "printer-sales", "scanner-accounting"]),
        ("provision custody give --doc", 3, ["--document"]),
        ("provision windows s", 2, ["self-check"]),
        ("provision offboard E1042 --on ", 4, []),
        ("provision install x --output j", 4, ["json"]),
        ("provision nosuch ", 2, []),
    ],
)
def test_names_are_completed(words: str, at: int, found: list[str]) -> None:
    assert offered(words, at) == found


def test_options_come_from_the_sources_and_at_once() -> None:
    assert offered("provision move --s", 2) == ["--swap", "--start"]
    best = min(_seconds("provision move --", 2) for _ in range(3))
    assert best < 1.0, f"{best:.2f} s"


@pytest.mark.parametrize("verb", VERBS)
def test_what_the_sources_say_is_so(verb: str) -> None:
    """Read from the sources and asked of click, a verb has the same options and verbs of its own."""
    command = PROGRAM.get_command(click.Context(PROGRAM), verb)
    assert command is not None
    commands = [([verb], command)]
    while commands:
        words, one = commands.pop()
        found = spelt(words)
        options = [p for p in one.params if isinstance(p, click.Option) and not p.hidden]
        names = {name for p in options for name in (*p.opts, *p.secondary_opts) if name.startswith("--")}
        assert set(found.options) == {*names, "--help"}, words
        takes = {name for p in options if not p.is_flag and not p._flag_needs_value for name in p.opts}
        assert set(found.values) == {name for name in takes if name.startswith("--")}, words
        own = {n: c for n, c in one.commands.items() if not c.hidden} if isinstance(one, click.Group) else {}
        assert set(found.verbs) == set(own), words
        commands += [([*words, name], command) for name, command in own.items()]


def test_other_shells_are_told_what_a_key_is() -> None:
    assert "Анна Петрова B-204-3" in asked("provision move E1042", 2, of="zsh").stdout
    done = asked("provision move E10", 2, of="fish")
    assert done.returncode == 0


def test_what_was_offered_is_understood() -> None:
    """A name that the Tab key wrote means the person that it was offered for."""
    from provisioning.procedures.matching import matches  # noqa: PLC0415
    from provisioning.site.load import load  # noqa: PLC0415

    inventory = load(EXAMPLE)
    for typed, key in (("petrova.anna", "E1042"), ("Петрова.Анна", "E1042"), ("o.brien.siobhan", "E1011")):
        assert [(one.key, one.sure) for one in matches(inventory, typed, "person")] == [(key, True)]


@pytest.mark.parametrize("wrong", ["nothing", "binary", "yaml", "csv", "hostile"])
def test_a_broken_site_gets_silence(tmp_path: Path, wrong: str) -> None:
    site = tmp_path / "site"
    shutil.copytree(EXAMPLE, site)
    people = site / "people.csv"
    match wrong:
        case "nothing":
            shutil.rmtree(site)
        case "binary":
            people.write_bytes(bytes(range(256)) * 20)
        case "yaml":
            people.rename(site / "p.txt")
            (site / "people.yml").write_text("people: [&a, *b, {", encoding="utf-8")
        case "csv":
            people.write_text('person,given_name\n"E1', encoding="utf-8")
        case "hostile":
            people.write_text("person,given_name\n$(reboot),x\n;reboot,y\nE1 2,z\n-x,z\n", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    found = offered("provision move ", 2, site)
    assert not [one for one in found if not one.replace("-", "").replace(".", "").isalnum() or one.startswith("-")]
    assert "reboot" not in " ".join(found)
    assert offered("provision mo", 1, site) == ["move"]
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written"


def test_sections_in_yaml_are_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "all.yml").write_text(
        "people:\n  A1: {given_name: Zoé, family_name: Lefèvre}\nworkplaces: {}\n", encoding="utf-8"
    )
    assert offered("provision move le", 2, tmp_path) == ["lefèvre.zoé"]


def test_nothing_heavy_is_loaded_and_it_is_quick() -> None:
    code = (
        "import sys, os; from provisioning.cli.completion import complete; from provisioning.cli.program import *;"
        f"complete(PROGRAM, VERBS); print([m for m in sys.modules if m.startswith({_HEAVY!r})])"
    )
    environment = {**os.environ, "_PROVISION_COMPLETE": "bash_complete", "COMP_WORDS": "provision move pet"}
    environment |= {"COMP_CWORD": "2", "PROVISION_SITE": str(EXAMPLE)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["plain,petrova.anna", "[]"], done.stderr
    best = min(_seconds("provision move E104", 2) for _ in range(3))
    assert best < 1.0, f"{best:.2f} s"


def _seconds(words: str, at: int) -> float:
    began = time.monotonic()
    asked(words, at)
    return time.monotonic() - began


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(shell: str) -> None:
    done = CliRunner().invoke(PROGRAM, ["completion", shell])
    assert done.exit_code == 0
    assert "_PROVISION_COMPLETE" in done.stdout
    assert "provision" in done.stdout


def test_another_shell_is_refused() -> None:
    done = CliRunner().invoke(PROGRAM, ["completion", "cmd"])
    assert done.exit_code == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    """The very script, in a bash: its function fills COMPREPLY."""
    (tmp_path / "provision").write_text(f'#!/bin/sh\nexec {sys.executable} -m provisioning.cli "$@"\n')
    (tmp_path / "provision").chmod(0o755)
    script = (
        'eval "$(provision completion bash)"; COMP_WORDS=(provision move --to B-204); COMP_CWORD=3;'
        '_provision_completion provision; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PROVISION_SITE": str(EXAMPLE)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["B-204-1", "B-204-2", "B-204-3"], done.stderr


def test_every_verb_that_is_named_here_exists() -> None:
    for words, option in (*((words, None) for words in (*ARGUMENTS, *BY_NAME)), *OPTIONS):
        found = spelt(words.split())
        assert words.partition(" ")[0] in VERBS
        assert " " not in words or not found.verbs, words
        assert option is None or option in found.values, (words, option)
