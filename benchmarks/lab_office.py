"""The lab's real directory, mail server and intranet for one benchmark, and new people who need nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, product
from pathlib import Path

import yaml

from provisioning.lab.colleagues import furnish
from provisioning.lab.office import Office
from provisioning.lab.ssh_service import ensure_password

MANAGER = "E1007"
"""A colleague of the example site, who has an account there already and whom the new people report to."""

_SERVICES = ("svc-provision", "svc-mail", "svc-check", "svc-web", "mail-check")
_GIVEN = (
    "Zoé", "Jörg", "Siobhán", "Łukasz", "Анна", "Дмитрий", "José", "María", "Ünal", "Jean-Luc", "Hannah", "William",
    "Thu", "Мария", "Åsa", "Noël",
)  # fmt: skip
_FAMILY = (
    "Lefèvre", "Müller", "O'Brien", "Wiśniewski", "Петрова", "Соколов", "García", "Yılmaz", "Moreau", "Brandt", "Hart",
    "Nguyễn", "Öberg", "Szabó",
)  # fmt: skip
_ENDING = ("", "-Berg", "-Holm", "-Roth", "-Stein", "-Wald")


@contextmanager
def office_up(
    folder: Path, number: int, *, servers: Sequence[str] = ("mail", "web"), keep: bool = False
) -> Iterator[Office]:
    """The site at `folder` as lab `number`: its domain controller, furnished, and `servers` of the lab beside it.

    Behind the block nothing is left, unless it is to be kept. Raises :class:`SystemExit` for a lab that is there.
    """
    office = Office(folder, number)
    if office.folder.exists():
        raise SystemExit(f"lab {number} is there already; `provision lab down --number {number}`, or --number")
    others = [getattr(office, name) for name in servers]
    try:
        office.secrets.mkdir(parents=True, mode=0o700)
        office.folder.chmod(0o755)
        for name in _SERVICES:
            ensure_password(office.secrets / name)
        office.authority.up()
        office.dc.up()
        furnish(office.dc, office.inventory, office.secrets)
        for server in others:
            server.up()
        yield office
    finally:
        if not keep:
            for server in (*reversed(others), office.dc):
                server.down()
            shutil.rmtree(office.folder, ignore_errors=True)


def names(people: int) -> Iterator[tuple[str, str]]:
    """Given and family names of so many people, 1,344 at most, all different."""
    for ending, given, family in islice(product(_ENDING, _GIVEN, _FAMILY), people):
        yield given, f"{family}{ending}"


def newcomers(folder: Path, people: int) -> list[str]:
    """Put so many people (see :func:`names`) into the site at `folder`, and take out of it what would give them more
    than an account, a mailbox and the intranet. Their keys."""
    for name in ("phones.yml", "files.yml"):
        (folder / name).unlink()
    profiles = yaml.safe_load((folder / "profiles.yml").read_text(encoding="utf-8"))
    for profile in profiles["profiles"].values():
        profile.pop("shares", None)
        profile.pop("phone_class", None)
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles, allow_unicode=True), encoding="utf-8")
    lines = {
        f"N{number:05}": f"{given},{family},Engineering,engineer,,{MANAGER},,,2027-01-04"
        for number, (given, family) in enumerate(names(people), 1)
    }
    text = (folder / "people.csv").read_text(encoding="utf-8").rstrip("\n")
    more = [f"{key},{line}" for key, line in lines.items()]
    (folder / "people.csv").write_text("\n".join([text, *more, ""]), encoding="utf-8")
    return list(lines)
