"""A file that makes a bare PC a member of the domain: from a task to the file, of which no result says anything but
where it is."""

from __future__ import annotations

from pathlib import Path

from provisioning.ansible_door.definition import Result, Task
from provisioning.ansible_door.fulfilling import carry_out, planned, unchanged
from provisioning.ansible_door.naming import text
from provisioning.api import Plan, Site, bare_pc
from provisioning.api.joining import distrusted
from provisioning.errors import RequestError
from provisioning.procedures.join import computer_name, join
from provisioning.resources.base import Proof
from provisioning.secrets.waiting import write_private
from provisioning.site.inventory import unknown


def offline_domain_join_task(task: Task) -> Result:
    """``workplace.provisioning.offline_domain_join``."""
    site, given = task.site, task.given
    pc, file = _pc(site, text(given, "workstation") or task.host), Path(str(given["path"])).expanduser()
    again, whole = bool(given.get("again")), given["form"] == "answer_file"
    _refuse_place(file)
    place = {"path": str(file)} | ({"certificate": str(file.with_suffix(".pem"))} if whole else {})
    with site.kept_open():
        made = bare_pc.prepared(site, pc) if whole else None  # what cannot work is refused before anything is changed
        plan = site.plan(join(pc, bare=True))
        if (said := None if again or plan.unread else _settled(site, pc, plan, file)) is not None:
            return unchanged(said) | place
        if task.check:
            return planned(plan) | {"changed": True} | place
        done = carry_out(task, plan)
        if done.get("failed") or "waiting" in done:
            return done
        content = bare_pc.blob(site, pc) if made is None else bare_pc.answers(site, made)
    if made is not None:
        _write(file.with_suffix(".pem"), made.certificate.pem)
    _write(file, content)
    return done | {"changed": True, "msg": f"{file} is a secret: destroy it once {pc} is a member"} | place


def _pc(site: Site, name: str) -> str:
    """The key of a PC by its name or host."""
    known = site.wired.workstations
    found = next((key for key, one in known.items() if name.casefold() in {key.casefold(), one.host.casefold()}), None)
    return found if found is not None else unknown("workstation", name, known)


def _settled(site: Site, pc: str, plan: Plan, file: Path) -> str | None:
    """Why a new file is not needed: there is one that nobody has used, or the PC is a member by now (a new one would
    cut it off)."""
    if any(change.before is None for change in plan.changes):  # no account: an old file is worth nothing
        return None
    called = computer_name(site.wired, pc)
    if not distrusted(site, [Proof("directory.computer_sign_in", "directory", called, {"computer": called})]):
        return (
            f"{called} signed in to the domain since its last file was made: it is a member (`again: true` cuts it off)"
        )
    return f"{file} is there already, and {called} has not joined yet" if file.exists() else None


def _refuse_place(file: Path) -> None:
    if file.is_dir():
        raise RequestError(f"path: {file} is a folder; name a file")
    if not file.parent.is_dir():
        raise RequestError(f"path: there is no folder {file.parent}; create it first (mode 0700)")


def _write(file: Path, content: bytes) -> None:
    """A new file of mode 0600, instead of a former one. Raises :class:`RequestError`."""
    try:
        file.unlink(missing_ok=True)
        write_private(file, content)
    except OSError as exc:
        raise RequestError(
            f"path: {file} could not be written: {exc.strerror}; run this again with `again: true`"
        ) from exc
