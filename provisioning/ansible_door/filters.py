"""What the collection's filters and lookups answer. Each is a question to code that other doors ask too; nothing is
changed, and no system is asked but the site's files and its ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from provisioning.api import Site
from provisioning.errors import RequestError
from provisioning.procedures.identity import candidates
from provisioning.reports import things
from provisioning.site.lines import did_you_mean
from provisioning.site.naming import latin, login_candidates
from provisioning.site.transliteration import STANDARDS, Naming, Transliteration

__all__ = ["login", "login_names", "outlet", "person", "site_at", "trace", "transliterate"]

_RUNS_SEARCHED = 500
_MOST_LOGINS = 100
_CABLE = ("closet", "panel", "panel_port", "switch", "switch_port")

Thing = dict[str, Any]


def site_at(folder: Any, variables: Mapping[str, Any] | None = None) -> Site:
    """The site in `folder`, else in the variable ``provision_site``, else in the environment's ``PROVISION_SITE``.

    One process reads the same files once. Raises :class:`RequestError` when nobody says which site, and
    :class:`~provisioning.errors.SiteError`.
    """
    chosen = folder or (variables or {}).get("provision_site") or os.environ.get("PROVISION_SITE")
    if not chosen:
        raise RequestError("which site? set the variable provision_site to the site's folder (or the option site)")
    path = Path(str(chosen)).expanduser().absolute()
    return _loaded(path, _state(path), os.getpid())


@lru_cache(maxsize=4)
def _loaded(folder: Path, state: object, process: int) -> Site:
    del state, process  # another state is another site; a ledger that is open must not go along with a fork
    return Site.load(folder)


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time of change (ns) and size of each file in a folder; nothing where it cannot be read."""
    try:
        files = [(entry.name, entry.stat()) for entry in os.scandir(folder)]
    except OSError:
        return ()
    return tuple(sorted((name, found.st_mtime_ns, found.st_size) for name, found in files))


def trace(site: Site, name: Any) -> Thing:
    """Where a wall outlet leads. What is not patched has no ``switch`` and no ``switch_port`` (``None``). Raises
    :class:`RequestError` with the nearest name for one that the site does not have."""
    found = outlet(site, name)
    return {"outlet": name, **{field: found.get(field) for field in _CABLE}, "trace": found["trace"]}


def outlet(site: Site, name: Any) -> Thing:
    """A wall outlet as ``provision show outlet`` has it. Raises :class:`RequestError`."""
    return things.outlet(site.wired, _name(name, "an outlet such as B2-04C"))


def person(site: Site, key: Any) -> Thing:
    """A person as ``provision show person`` has them, without what was done. Raises :class:`RequestError`."""
    records = [run.record for run in site.runs(_RUNS_SEARCHED)]
    found = things.person(site.wired, _name(key, "a person's number such as E1042"), records)
    return {field: value for field, value in found.items() if field != "latest_runs"}


def login(site: Site, key: Any, *, candidate: bool = False) -> str:
    """The login of a person: what the site fixes, or what the ledger's latest runs gave. With `candidate`, the first
    one that the site's policy would try for somebody who has none yet. Raises :class:`RequestError`."""
    found = person(site, key)["login"]
    if found is None and candidate:
        return next(candidates(site.wired, key))
    if found is None:
        raise RequestError(
            f"person {key} has no login that the site or its ledger knows; onboarding gives one, or write `login` "
            "beside them in the site (option candidate=true: the first that would be tried)"
        )
    return str(found)


def transliterate(text: Any, transliteration: Transliteration) -> str:
    """A name in lower-case ASCII letters and digits, its parts joined by hyphens: what logins are made of."""
    return latin(_name(text, "a name"), transliteration)


def login_names(site: Site, given: Any, family: Any, standard: Any = None, count: Any = 3) -> list[str]:
    """The first `count` logins that the site's policy makes of a name; nobody is looked up."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_LOGINS:
        raise RequestError(f"count is {count!r}; expected a whole number from 1 to {_MOST_LOGINS}")
    if not isinstance(given, str) or not isinstance(family, str) or not f"{given}{family}".strip():
        raise RequestError(f"expected a given and a family name, not {given!r} and {family!r}")
    policy = site.inventory.directory.logins
    return list(islice(login_candidates(given, family, policy, spelling(standard, site)), count))


def spelling(standard: Any, site: Site | None) -> Transliteration:
    """The transliteration that `standard` names (a name, or a standard for each script); the site's own without one.
    Raises :class:`RequestError` with the nearest name for an unknown one."""
    if standard is None and site is not None:
        return site.inventory.naming.transliteration
    try:
        return Naming.model_validate({"transliteration": standard}).transliteration
    except ValidationError:
        known = sorted({name for names in STANDARDS.values() for name in names})
        hint = (did_you_mean(standard, known) if isinstance(standard, str) else "") or f"; known: {', '.join(known)}"
        raise RequestError(f"there is no standard of transliteration {standard!r}{hint}") from None


def _name(value: Any, expected: str) -> str:
    if not isinstance(value, str) or not value:
        raise RequestError(f"expected {expected}, not {value!r}")
    return value
