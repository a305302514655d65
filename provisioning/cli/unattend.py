"""``provision unattend``."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import click

from provisioning.api import Site, bare_pc
from provisioning.cli.carrying import Manner, carry_out
from provisioning.cli.exits import DONE
from provisioning.cli.files import writable
from provisioning.cli.invocation import Invocation
from provisioning.errors import RequestError
from provisioning.procedures.join import join
from provisioning.reports.words import safe
from provisioning.site.inventory import unknown


@click.command("unattend")
@click.argument("workstation", metavar="PC")
@click.option(
    "--output", "file", metavar="FILE", type=click.Path(path_type=Path), default=Path("autounattend.xml"),
    show_default=True, help="Where the answer file goes; - for stdout. The PC's certificate goes beside it (.pem).",
)  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def VERB(invocation: Invocation, *, workstation: str, file: Path, yes: bool) -> int:  # noqa: N802  (it is an object)
    """Write the answer file that installs Windows on a bare PC and makes it a member of the domain.

    Makes the PC's account in the domain where there is none, and gives it a new password: an earlier answer file for
    this PC, and the PC that had this name, are worth nothing afterwards. The file holds secrets: keep it until the PC
    is installed, then destroy it. Windows Setup finds it under the name autounattend.xml at the root of a USB stick.
    """
    site = invocation.site()
    manner = Manner(yes, "text", None)
    known = site.wired.workstations
    if workstation not in known:
        unknown("workstation", workstation, known)
    to_stdout = str(file) == "-"
    if not to_stdout:
        _refuse_place(file)
    manner.check()
    prepared = bare_pc.prepared(site, workstation)  # what cannot work is refused before anything is changed
    plan = site.plan(join(workstation, bare=True))
    if plan.changes:
        with contextlib.redirect_stdout(sys.stderr if to_stdout else sys.stdout):
            code = carry_out(lambda told: plan, manner)  # noqa: ARG005 - it is made already
        if code != DONE:
            return code
    else:
        click.echo("\n".join(f"Warning: {safe(warning)}" for warning in plan.warnings), err=True)
        if not yes:
            click.confirm(f"{workstation} has its account already. Set its password anew?", abort=True, err=True)
    answers = bare_pc.answers(site, prepared)
    if to_stdout:
        sys.stdout.buffer.write(answers)
        sys.stdout.flush()
    else:
        file.with_suffix(".pem").write_bytes(prepared.certificate.pem)
        write_private(file, answers)
        click.echo(_advice(site, workstation, file), err=True)
    return DONE


def _refuse_place(file: Path) -> None:
    """Raise :class:`RequestError` for a place where the files cannot go; nothing is overwritten."""
    for place, suffix in ((file, ".xml"), (file.with_suffix(".pem"), None)):
        writable(place, "--output", suffix)
        if place.exists():
            raise RequestError(f"--output {file}: there is a {place} already; destroy it or name another file")


def write_private(file: Path, content: bytes) -> None:
    """Write a new file with mode 0600: whole or not at all. Raises :class:`RequestError`."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            try:
                sink.write(content)
                sink.flush()
            except OSError:
                file.unlink()
                raise
    except OSError as exc:
        raise RequestError(f"--output {file}: could not be written: {exc.strerror}; run this again") from exc


def _advice(site: Site, workstation: str, file: Path) -> str:
    trust = site.inventory.windows.trust
    erases = " It ERASES disk 0 of the PC that starts from it." if site.inventory.unattend.disk == "erase" else ""
    return (
        f"{file} holds the machine password of {workstation}, the password of windows.credential and a private key: "
        f"keep it to yourself and destroy it when the PC is installed.{erases}\n"
        f"{file.with_suffix('.pem')} is the PC's certificate: add it to {trust or 'windows.trust of the site'}, so "
        f"that WinRM of {workstation} is trusted."
    )
