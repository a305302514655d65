"""Where every secret reference of a site leads, without the values: ``provision secrets check``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from provisioning.errors import SecretError
from provisioning.secrets.sealing import check_recipient
from provisioning.secrets.store import Secrets
from provisioning.site import Inventory
from provisioning.site.base import Reference, ReferenceToFile
from provisioning.site.handover import Handover


@dataclass(frozen=True)
class Verdict:
    """What became of one reference. `problem` says why it leads nowhere, `warning` what should be mended."""

    reference: str
    places: tuple[str, ...]
    problem: str | None = None
    warning: str | None = None


def references(site: Inventory) -> dict[Reference, tuple[str, ...]]:
    """Every reference of the site, with the settings that hold it (``directory: credential: password``)."""
    found: dict[Reference, list[str]] = {}
    for place, reference in _walk(site, ()):
        found.setdefault(reference, []).append(": ".join(place))
    return {reference: tuple(places) for reference, places in found.items()}


def check(site: Inventory, secrets: Secrets) -> list[Verdict]:
    """One verdict a reference, in the order of the site, and one for the hand-over folder. Raises nothing."""
    return [*(_check(secrets, ref, places) for ref, places in references(site).items()), _handover(site.handover)]


def _check(secrets: Secrets, reference: Reference, places: tuple[str, ...]) -> Verdict:
    try:
        if isinstance(reference, ReferenceToFile):
            _readable(secrets, reference)
        else:
            secrets.resolve(reference)
    except SecretError as exc:
        return Verdict(reference, places, problem=str(exc).removeprefix(f"{reference}: "))
    return Verdict(reference, places, warning=_open_to_others(secrets, reference))


def _readable(secrets: Secrets, reference: str) -> None:
    path = secrets.path(reference)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise SecretError(f"{reference}: {path} cannot be read; put the file there, mode 0600")


def _open_to_others(secrets: Secrets, reference: Reference) -> str | None:
    if reference.scheme != "file":
        return None
    mode = stat.S_IMODE(secrets.path(reference).stat().st_mode)
    return f"others on this machine can read the file (mode {mode:04o}); chmod 600" if mode & 0o044 else None


def _handover(handover: Handover) -> Verdict:
    name, places = f"{handover.form} in {handover.folder}", ("handover",)
    try:
        for recipient in handover.recipients:
            check_recipient(recipient)
    except SecretError as exc:
        return Verdict(name, places, problem=str(exc))
    if not handover.folder.exists():
        return Verdict(name, places)  # it is made when the first password waits
    if not handover.folder.is_dir() or not os.access(handover.folder, os.W_OK | os.X_OK):
        return Verdict(name, places, problem="this is not a folder that can be written to; correct `handover`")
    mode = stat.S_IMODE(handover.folder.stat().st_mode)
    warning = f"others can look into the folder (mode {mode:04o}); chmod 700" if mode & 0o077 else None
    return Verdict(name, places, warning=warning)


def _walk(value: object, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Reference]]:
    if isinstance(value, Reference):
        yield place, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name), (*place, name))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _walk(one, (*place, str(key)))
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _walk(one, (*place, str(index + 1)))
