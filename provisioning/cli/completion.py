"""``provision completion``, and what the Tab key gets.

A shell starts the program anew with every Tab, so nothing heavy may be imported here: names are read straight from the
site's files, without checking them. Whatever goes wrong, the shell gets nothing, and silence.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from provisioning.cli.completion_names import named
from provisioning.cli.completion_verbs import Spelt, spelt
from provisioning.cli.exits import DONE
from provisioning.cli.invocation import Invocation

VARIABLE = "_PROVISION_COMPLETE"
"""Environment variable by which click's shell functions ask."""

SHELLS = ("bash", "zsh", "fish")
_MOST = 300
_ANYTHING = ("people", "workplaces", "workstations", "outlets", "equipment")
_ASSETS = ("workstations", "equipment")

ARGUMENTS: Mapping[str, Sequence[str]] = {
    "onboard": ["people"],
    "offboard": ["people"],
    "reinstate": ["people"],
    "erase": ["people"],
    "rename": ["people"],
    "reassign": ["people"],
    "names": ["people"],
    "move": ["people", "workstations"],
    "check": ["people", "workplaces", "equipment"],
    "audit": ["people", "workplaces", "workstations", "equipment"],
    "find": _ANYTHING,
    "card": ["people"],
    "handover": ["people"],
    "softphone": ["people"],
    "custody": ["people", *_ASSETS],
    "custody give": _ASSETS,
    "custody take": _ASSETS,
    "custody return-list": ["people"],
    "patch": ["outlets"],
    "connect": ["equipment"],
    "install": ["software", "bundles"],
    "replace": ["workstations"],
    "join": ["workstations"],
    "unattend": ["workstations"],
    "laps": ["workstations"],
    "windows self-check": ["workstations"],
    "transfer-data": ["workstations"],
    "backup": ["workstations"],
    "restore": ["workstations"],
}
"""Sections of the site, of which the words behind a verb name things."""

OPTIONS: Mapping[tuple[str, str], Sequence[str]] = {
    ("move", "--to"): ["workplaces"],
    ("move", "--with"): ["people"],
    ("onboard", "--desk"): ["workplaces"],
    ("onboard", "--with"): ["software"],
    ("check", "--desk"): ["workplaces"],
    ("patch", "--to"): ["workplaces", "equipment"],
    ("offboard", "--forward-to"): ["people"],
    ("offboard", "--manager-of-reports"): ["people"],
    ("reassign", "--profile"): ["profiles"],
    ("reassign", "--from"): ["profiles"],
    ("reassign", "--manager"): ["people"],
    ("reassign", "--keep"): ["software"],
    ("custody give", "--to"): ["people"],
    ("install", "--for"): ["people", "workstations", "profiles"],
}
"""The same for what stands behind an option."""

_BY_NAME = ["move", "rename", "reassign", "offboard", "reinstate", "install", "card", "custody"]
BY_NAME = frozenset((*_BY_NAME, "custody give", "custody return-list"))
"""Verbs that know people by their names. With the others, a name that is typed becomes the key."""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def VERB(*, shell: str) -> int:  # noqa: N802  (it is an object)
    """Print the script that completes verbs, people, desks, PCs and outlets by the Tab key.

    bash: eval "$(provision completion bash)" in ~/.bashrc. zsh: the same with zsh in ~/.zshrc.
    fish: provision completion fish > ~/.config/fish/completions/provision.fish
    """
    of_shell = get_completion_class(shell)
    assert of_shell is not None  # noqa: S101  (click knows the three)
    click.echo(of_shell(click.Command("provision"), {}, "provision", VARIABLE).source())
    return DONE


def complete(program: click.Group, verbs: Mapping[str, str]) -> None:
    """Answer a shell. Never fails, never says anything beside the completions."""
    with suppress(Exception), open(os.devnull, "w", encoding="utf-8") as nowhere:
        shell, _, task = os.environ[VARIABLE].partition("_")
        of_shell = get_completion_class(shell)
        if task != "complete" or of_shell is None:
            return
        before, sys.stderr = sys.stderr, nowhere
        try:
            asked = of_shell(program, {}, "provision", VARIABLE)
            words, incomplete = asked.get_completion_args()
            items = _items(verbs, words, incomplete)
            if items is None:
                items = asked.get_completions(words, incomplete)
            lines = [asked.format_completion(item) for item in items[:_MOST]]
        finally:
            sys.stderr = before
        if lines:
            click.echo("\n".join(lines))


def _items(verbs: Mapping[str, str], words: Sequence[str], incomplete: str) -> list[CompletionItem] | None:
    """The completions; ``None`` where the verb itself must be asked."""
    site, rest = _before_verb(words)
    if rest is None:
        return [CompletionItem(incomplete, type="dir")]
    if not rest:
        if incomplete.startswith("-"):
            return None if incomplete.startswith("--s") else [CompletionItem(o) for o in ("--site", "--verbose")]
        return [CompletionItem(verb, help=said) for verb, said in verbs.items() if verb.startswith(incomplete)]
    return _behind_verb(site, rest, incomplete)


def _behind_verb(site: Path | None, words: Sequence[str], incomplete: str) -> list[CompletionItem] | None:
    known, last = spelt(words), words[-1]
    if incomplete.startswith("-"):
        return [CompletionItem(one, help=said) for one, said in known.options.items() if one.startswith(incomplete)]
    verb = _verb(words, known)
    sections = OPTIONS.get((verb, last)) or ([] if last in known.values else ARGUMENTS.get(verb, []))
    value = known.values.get(last, known.argument)
    if not sections and value != "text":
        return None if value == "choice" else [CompletionItem(incomplete, type="file")]
    found = [(one, said) for one, said in known.verbs.items() if one.startswith(incomplete)]
    if sections:
        found += named(Invocation(site).site_folder.expanduser(), sections, incomplete, by_name=verb in BY_NAME)
    return [CompletionItem(one, help=said) for one, said in dict.fromkeys(found)]


def _verb(words: Sequence[str], known: Spelt) -> str:
    """``custody give``: the verb, and the verb of it that was chosen."""
    two = " ".join(words[:2])
    return two if two in ARGUMENTS and not known.verbs else words[0]


def _before_verb(words: Sequence[str]) -> tuple[Path | None, Sequence[str] | None]:
    """The site's folder, if one was named, and the words from the verb on (``None``: the folder is being typed)."""
    named = os.environ.get("PROVISION_SITE")
    site = Path(named) if named else None
    left = list(words)
    while left and left[0].startswith("-"):
        option, equals, value = left.pop(0).partition("=")
        if option == "--site" and not equals:
            if not left:
                return site, None
            value = left.pop(0)
        if option == "--site":
            site = Path(value)
    return site, left
