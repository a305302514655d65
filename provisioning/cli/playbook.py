"""``provision playbook``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from provisioning.api import Site
from provisioning.api.playbooks import PlaybookRun, run_playbook
from provisioning.cli.exits import CHANGES_PENDING, DONE, PARTIAL
from provisioning.cli.invocation import Invocation, console, output_option
from provisioning.cli.progress import Watcher
from provisioning.errors import RequestError
from provisioning.reports import playbooks as report
from provisioning.reports.words import to_json
from provisioning.site import playbooks
from provisioning.site.base import REFERENCE_FORMS


@click.command("playbook")
@click.argument("name", required=False, metavar="NAME|FILE.yml")
@click.option("--limit", metavar="HOSTS", help="Only these hosts and groups, as ansible-playbook has them.")
@click.option("--tags", metavar="TAG,…", multiple=True, help="Only tasks with these tags.")
@click.option("--skip-tags", metavar="TAG,…", multiple=True, help="No tasks with these tags.")
@click.option(
    "-e", "--extra-vars", "variables", metavar="NAME=VALUE|@FILE", multiple=True,
    help="Variables. No secrets: everybody on this machine sees a program's arguments.",
)  # fmt: skip
@click.option(
    "--secret", "secrets", metavar="NAME=REFERENCE", multiple=True,
    help="A variable with a secret value: env:NAME, file:PATH, vault:FILE#key …",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Say what would change; change nothing.")
@click.option("--diff", is_flag=True, help="Show what changes in what.")
@click.option("--forks", metavar="N", type=int, help="Hosts at once (Ansible's own number is 5).")
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(0, min_open=True), help="End it after this time.")
@click.option("--inventory", "-i", metavar="INVENTORY", help="Instead of the site: a file, or a list such as one,two,")
@click.option(
    "--vault-password-file", metavar="FILE", type=click.Path(path_type=Path),
    help="What opens vaulted files (else what the site says under `secrets`).",
)  # fmt: skip
@click.option("-v", "verbose", is_flag=True, help="Tell of tasks that changed nothing as well.")
@output_option
@click.pass_obj
def VERB(  # noqa: N802  (it is an object)
    invocation: Invocation,
    *, name: str | None, limit: str | None, tags: tuple[str, ...], skip_tags: tuple[str, ...],
    variables: tuple[str, ...], secrets: tuple[str, ...], check: bool, diff: bool, forks: int | None,
    timeout: float | None, inventory: str | None, vault_password_file: Path | None, verbose: bool, output: str,
) -> int:  # fmt: skip
    """Run an Ansible playbook on the site, and write down what became of each host.

    \b
    provision playbook                        lists those of the site and of this clone
    provision playbook audit                  by name
    provision playbook ./mine.yml --check     any file

    The site is the inventory. Ctrl-C lets the tasks under way finish, a second one interrupts them. What our own
    modules do are runs of their own, which can be undone.
    Exit codes: 0 done, 2 changes are pending (--check), 3 hosts failed or were not reached, or it was stopped, 1 error.
    """
    site = invocation.site()
    if name is None:
        return _list(site, output)
    plain, files = _variables(variables)
    references = _references(secrets)
    with Watcher(console(stderr=output == "json"), 0, 0, verbose=verbose) as watcher:
        done = run_playbook(
            site, name, inventory=_inventory(inventory), limit=limit, tags=_split(tags), skip_tags=_split(skip_tags),
            extra_vars=plain, extra_vars_files=files, secrets=references, vault_password_file=vault_password_file,
            check=check, diff=diff, forks=forks, timeout=timeout, listener=watcher,
        )  # fmt: skip
    _tell(site, done, output)
    if not done.succeeded:
        return PARTIAL
    return CHANGES_PENDING if done.check and done.changed else DONE


def _list(site: Site, output: str) -> int:
    known = playbooks.known(site.inventory.folder)
    if output == "json":
        click.echo(to_json({name: str(file) for name, file in known.items()}))
    else:
        console().print(report.listed(known, str(site.inventory.folder / playbooks.FOLDER)))
    return DONE


def _tell(site: Site, done: PlaybookRun, output: str) -> None:
    if done.id is None:
        click.echo(f"Stopped before it began: {done.problem}. Nothing was changed.", err=True)
        return
    record, events = site.ledger.run(done.id), site.ledger.events(done.id)
    plain = report.document(record, events, warnings=done.warnings, seconds=done.seconds)
    if output == "json":
        click.echo(to_json(plain))
    else:
        console().print()
        console().print(report.as_text(plain))


def _inventory(text: str | None) -> str | Path | None:
    """A list of hosts has a comma; anything else is a file or a folder."""
    return text if text is None or "," in text else Path(text).expanduser().absolute()


def _split(texts: Sequence[str]) -> list[str]:
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _variables(texts: Sequence[str]) -> tuple[dict[str, Any], list[Path]]:
    """What ``-e`` says: ``NAME=VALUE …``, ``@FILE``, or a mapping in YAML or JSON. Raises :class:`RequestError`."""
    found: dict[str, Any] = {}
    files: list[Path] = []
    for text in texts:
        if text.startswith("@"):
            files.append(Path(text[1:]).expanduser())
        elif text.lstrip().startswith("{"):
            found |= _mapping(text)
        else:
            found |= dict(_pair(word, text) for word in _words(text))
    return found, files


def _mapping(text: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if not isinstance(value, dict):
        raise RequestError("-e {…}: this is not a mapping in YAML or JSON")
    return {str(name): one for name, one in value.items()}


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as exc:
        raise RequestError(f"-e: a quotation mark is not closed ({exc}); expected NAME=VALUE") from None


def _pair(word: str, text: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        hint = f"; is @{text} meant?" if Path(text).is_file() else ""
        raise RequestError(f"-e {name}: expected NAME=VALUE, @FILE or a mapping in braces{hint}")
    return name, value


def _references(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, reference = text.partition("=")
        if not equals or not name.isidentifier() or reference.partition(":")[0] not in REFERENCE_FORMS:
            forms = ", ".join(form for _, form in REFERENCE_FORMS.values())
            shown = name if name.isidentifier() else "…"
            raise RequestError(f"--secret {shown}: expected NAME=REFERENCE, with one of: {forms}")
        found[name] = reference
    return found
