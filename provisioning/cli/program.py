"""The program itself: its verbs, its global options, and how it ends.

Nothing here imports more than click, so that help is shown at once.
"""

from __future__ import annotations

import difflib
import errno
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from provisioning.cli.exits import DONE, ERROR, leave_at_once
from provisioning.cli.invocation import Invocation
from provisioning.errors import ProvisioningError, SiteError

VERBS = {
    "validate": "Check the site's files; name file and line of every mistake.",
    "init": "Write a commented starter site into a new folder.",
    "plan": "Show what would change. Changes nothing.",
    "apply": "Make the whole site so, or carry out a saved plan.",
    "onboard": "Give new colleagues their account, mail, desk port, PC and software.",
    "offboard": "Shut out a leaver; keep mail and home folder for a while.",
    "reinstate": "Give a leaver back all that the offboarding took.",
    "erase": "Ask for what a leaver left behind to be deleted for good.",
    "rename": "Call somebody by another name, in all systems, without losing mail.",
    "reassign": "Give somebody another job: take what the old one gave, give the new.",
    "names": "Show what logins and addresses names become, by each standard.",
    "hires": "Add the people of a personnel office's export to the site.",
    "connect": "Connect printers and other equipment: address, port, proof of both.",
    "find": "Say where something is on the network now, and where it should be.",
    "move": "Move people and PCs to other desks; swap two; move a whole department.",
    "patch": "Patch a wall outlet: pick a port, configure it, tell the technician.",
    "orders": "List, close or cancel the technicians' patch orders.",
    "publish": "Publish the settings that mail programs look for.",
    "join": "Join PCs to the domain, without a domain administrator.",
    "unattend": "Write the answer file that installs Windows on a bare PC, joined.",
    "laps": "Show a PC's local administrator password, once; the work log remembers.",
    "check": "Prove that a person, a workplace or equipment is ready. Changes nothing.",
    "audit": "Compare the whole site with reality; --repair sets right what drifted.",
    "config": "Keep the configurations of switches, compare them, go back to them.",
    "lines": "Check the lines of all switches: cables, sockets, wrong devices, drift.",
    "replace": "Put a PC from the store in the place of a defective one.",
    "playbook": "Run an Ansible playbook on the site; list those that there are.",
    "install": "Install or remove packages for a person, a room or a group, in waves.",
    "transfer-data": "Bring a person's data from an old PC to a new one.",
    "backup": "Write an archive of a PC's settings and of its people's data.",
    "restore": "Bring back from an archive what is missing on a PC.",
    "windows": "Test on a real PC what this program takes for granted of Windows.",
    "show": "Show what the site holds and what was done.",
    "report": "Write the report of a run: one page for the ticket or for paper.",
    "card": "Write a new colleague's desk card: one page to print.",
    "custody": "Say who has what; book what is given and taken; list what a leaver returns.",
    "resume": "Go on with runs that were killed, stopped, or wait for a PC that is off.",
    "undo": "Take back exactly what a run did.",
    "requests": "List what was asked for, and what it waits for.",
    "due": "Carry out the requests whose time has come.",
    "approve": "Approve a request that needs a second pair of eyes.",
    "refuse": "Refuse a request that waits for approval.",
    "cancel": "Give up a request that has not begun.",
    "worker": "Carry out what is due, alone or together with other machines.",
    "runs": "Show the runs that are going on; follow them live.",
    "handover": "Give out a new colleague's initial password, once.",
    "softphone": "Give out the SIP account of somebody who has no desk phone.",
    "secrets": "Follow the site's secret references; say which lead nowhere.",
    "worklog": "Show the work log; deliver it to the service desk.",
    "ledger": "Check that nobody rewrote what was done, or export it.",
    "completion": "Print the script that completes names and verbs by the Tab key.",
    "lab": "Run a whole office of real servers on this machine, to try things.",
}
HELP_OPTIONS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Program(click.Group):
    """Loads a verb's module when the verb is used, and turns exceptions into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        gc.disable()
        try:
            command: click.Command = import_module(f"provisioning.cli.{cmd_name.replace('-', '_')}").VERB
        finally:
            gc.freeze()  # and back: modules stay to the end, so they count as old and are not walked at once
            gc.unfreeze()
            gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0].casefold(), VERBS, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"the verbs are {', '.join(VERBS)}."
            raise click.UsageError(f"There is no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            leave_at_once("Interrupted.")

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        if args is None and "_PROVISION_COMPLETE" in os.environ:
            from provisioning.cli.completion import complete  # noqa: PLC0415  (a shell's Tab key asks)

            complete(self, VERBS)
            sys.exit(DONE)
        words = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        try:
            code = super().main(words, prog_name, standalone_mode=False, **extra)
        except click.exceptions.Abort:
            click.echo("\nNothing was changed.", err=True)
            code = ERROR
        except click.ClickException as exc:
            code = _usage(exc)
        except ProvisioningError as exc:
            code = _failure(exc, _wants_details(words))
        except Exception as exc:
            code = _bug(exc, _wants_details(words))
        sys.exit(code if isinstance(code, int) else DONE)


def _wants_details(words: Sequence[str]) -> bool:
    before_verb = words[: next((i for i, word in enumerate(words) if word in VERBS), len(words))]
    return "-v" in before_verb or "--verbose" in before_verb


def _usage(exc: click.ClickException) -> int:
    from provisioning.reports.words import safe  # noqa: PLC0415  (not needed for help)

    message = safe(exc.format_message(), lines=True)
    if isinstance(exc, click.NoSuchOption) and exc.option_name in {"--site", "--verbose", "-v"}:
        message = f"{exc.option_name} goes before the verb: provision {exc.option_name} … VERB"
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    click.echo(f"Error: {message}", err=True)
    if context is not None:
        click.echo(f"Try '{context.command_path} --help'.", err=True)
    return ERROR


def _failure(exc: ProvisioningError, details: bool) -> int:
    from provisioning.reports.words import safe  # noqa: PLC0415

    if details:
        click.echo(safe("".join(traceback.format_exception(exc)), lines=True), err=True)
    if isinstance(exc, SiteError):
        for problem in exc.problems:
            click.echo(safe(problem, lines=True), err=True)
        if len(exc.problems) > 1:
            click.echo(f"{len(exc.problems)} problems. Nothing was changed.", err=True)
    else:
        click.echo(f"Error: {safe(exc, lines=True)}", err=True)
    return ERROR


def _bug(exc: Exception, details: bool) -> int:
    from provisioning.reports.words import safe  # noqa: PLC0415

    if isinstance(exc, OSError) and exc.errno in {errno.ENOSPC, errno.EIO} and exc.filename is None:
        click.echo(
            f"Error: the output cannot be written: {exc.strerror}; `provision show runs` tells what was done", err=True
        )
        return ERROR
    if details:
        click.echo(safe("".join(traceback.format_exception(exc)), lines=True), err=True)
    where = "" if details else "; `provision -v …` shows where"
    click.echo(f"Error: this is a bug in provision: {type(exc).__name__}: {safe(str(exc)[:300])}{where}", err=True)
    return ERROR


class _Journal(logging.Handler):
    """Log lines on stderr, wherever that leads at the moment (a progress display may have taken it)."""

    def emit(self, record: logging.LogRecord) -> None:
        from provisioning.reports.words import safe  # noqa: PLC0415

        click.echo(f"{record.levelname.lower()}: {record.name}: {safe(record.getMessage(), lines=True)}", err=True)


def _log(verbose: bool) -> None:
    """Our own log lines: warnings always, everything with -v. Libraries stay silent: they log too much."""
    ours, root = logging.getLogger("provisioning"), logging.getLogger()
    if not any(isinstance(handler, _Journal) for handler in ours.handlers):
        ours.addHandler(_Journal())
        root.addHandler(logging.NullHandler())
    ours.setLevel(logging.DEBUG if verbose else logging.WARNING)
    ours.propagate = False


@click.group("provision", cls=Program, context_settings=HELP_OPTIONS)
@click.option(
    "--site",
    "site_folder",
    metavar="DIR",
    envvar="PROVISION_SITE",
    type=click.Path(path_type=Path),
    show_envvar=True,
    help="The site's folder. Without it: this folder if it holds site.yml, else inventories/example.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is being done, and where an error comes from.")
@click.version_option(None, "--version", package_name="provisioning", message="provision %(version)s")
@click.pass_context
def PROGRAM(ctx: click.Context, site_folder: Path | None, verbose: bool) -> None:  # noqa: N802  (it is an object)
    """Turns "a new colleague starts on Monday at desk B-204-3" into a finished desk.

    Exit codes: 0 done, 1 error, 2 changes are pending (plan), 3 partly done.
    """
    _log(verbose)
    ctx.obj = Invocation(site_folder)
