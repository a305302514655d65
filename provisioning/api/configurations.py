"""``config``: keeping the configurations of switches, looking at them, comparing them, and going back to them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from provisioning.engine.events import Listener
from provisioning.engine.planner import MAX_TARGETS_AT_ONCE, TargetSessions
from provisioning.errors import LedgerError, ProvisioningError, RequestError, TargetError
from provisioning.ledger import RunRecord
from provisioning.ledger.archive import Archive, Moment, Revision
from provisioning.procedures.configurations import RESTORE, RestoreSections, restore_sections
from provisioning.resources.base import Keepsake
from provisioning.resources.switch.keepsake import running_configuration
from provisioning.site import Inventory
from provisioning.site.archive import archive_folder
from provisioning.site.clock import read_start, start_words
from provisioning.site.inventory import unknown

__all__ = [
    "Comparison",
    "Round",
    "archive_now",
    "archive_of",
    "before_run",
    "compare",
    "configuration",
    "history",
    "keeper",
    "restore_request",
]

NOW = "now"
"""The configuration that the switch has at this moment."""

_RUN = re.compile(r"run[ :]?(\d{1,18})")
_COMMIT = re.compile(r"[0-9a-f]{4,40}")


class Readable(Protocol):
    """What this needs of a site."""

    @property
    def inventory(self) -> Inventory: ...

    def reading(
        self, listener: Listener | None = None, purpose: str = "a plan"
    ) -> AbstractContextManager[TargetSessions]: ...


@dataclass(frozen=True)
class Round:
    """What came of a look at switches: the commit (``None``: nothing was new), whose configuration was new, and why
    the others could not be read."""

    commit: str | None
    changed: tuple[str, ...]
    same: tuple[str, ...]
    unread: Mapping[str, str] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Plain data."""
        lists = {"changed": list(self.changed), "same": list(self.same)}
        return {"commit": self.commit, **lists, "unread": dict(self.unread)}


@dataclass(frozen=True)
class Comparison:
    """A switch's configuration at two times. `older` and `newer` say which; `lines` is a unified diff, empty when they
    are the same. `error` tells why the switch could not be asked."""

    switch: str
    older: str = ""
    newer: str = ""
    lines: tuple[str, ...] = ()
    error: str = ""

    def to_document(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "lines": list(self.lines), "same": not (self.lines or self.error)}


def archive_of(inventory: Inventory) -> Archive:
    """The site's archive."""
    return Archive(archive_folder(inventory))


def keeper(inventory: Inventory) -> Callable[[RunRecord, Keepsake], None]:
    """Keeps a switch's configuration before a run changes it."""
    archive = archive_of(inventory)

    def keep(run: RunRecord, keepsake: Keepsake) -> None:
        # Whoever goes back to the latest that is kept, and does not succeed at once, will go back to the same again.
        archive.keep([keepsake], title=run.title, run=run.id, aside=run.request.get("procedure") == RESTORE)

    return keep


def archive_now(site: Readable, switches: Sequence[str], listener: Listener | None = None) -> Round:
    """Keep the running configurations of switches (of all when none is named), as one commit. A switch that somebody
    is at work on is waited for; one that cannot be read is named with the reason."""
    archive, names = archive_of(site.inventory), _names(site.inventory, switches)
    read = _read(site, names, listener)
    good = [one for one in read.values() if isinstance(one, Keepsake)]
    unread = {name: one for name, one in read.items() if isinstance(one, str)}
    if not good:
        return Round(None, (), (), unread)
    kept = archive.keep(good, title="Round")
    archive.tidy()
    same = tuple(one.name for one in good if one.name not in kept.changed)
    return Round(kept.commit, kept.changed, same, unread)


def history(site: Readable, switch: str | None = None, limit: int = 50) -> list[Revision]:
    """What was kept, newest first: all of it, or what was new of one switch. Raises :class:`RequestError`."""
    archive = archive_of(site.inventory)
    if switch is not None:
        _known(site.inventory, archive, switch)
    return archive.log(switch, limit)


def configuration(site: Readable, switch: str, at: str | None = None) -> tuple[Revision, str]:
    """A switch's archived configuration, and the revision that it is of. `at` is a day or a time (ISO 8601; a day
    alone means its end), a commit, or ``run N`` (before that run); without it, the latest."""
    archive = archive_of(site.inventory)
    _known(site.inventory, archive, switch)
    revision = archive.find(switch, moment_of(site.inventory, at))
    return revision, archive.read(switch, revision)


def compare(
    site: Readable, switches: Sequence[str], older: str | None = None, newer: str = NOW,
    listener: Listener | None = None,
) -> list[Comparison]:  # fmt: skip
    """What differs in configurations between two times: by default between what was kept last and now. Secrets are
    compared by their fingerprints."""
    archive = archive_of(site.inventory)
    if NOW in {older, newer}:
        names = _names(site.inventory, switches)
    else:
        names = tuple(dict.fromkeys(switches)) or archive.switches()
    if not switches and (changed := _of_runs(archive, site.inventory, {older, newer})) is not None:
        names = tuple(name for name in names if name in changed)
    for name in names:
        _known(site.inventory, archive, name)
    then = {name: {word: configuration(site, name, word) for word in {older, newer} - {NOW}} for name in names}
    now = _read(site, names, listener) if NOW in {older, newer} else {}
    return [_comparison(site.inventory, name, then[name], now.get(name), (older, newer)) for name in names]


def _of_runs(archive: Archive, inventory: Inventory, words: Set[str | None]) -> Collection[str] | None:
    """The switches that were kept before all the runs that `words` name; ``None`` when they name none. Raises
    :class:`RequestError` for a run before which nothing was kept."""
    found: set[str] | None = None
    for run in (moment for word in words - {NOW} if isinstance(moment := moment_of(inventory, word), int)):
        revision = archive.before(run)
        if revision is None:
            raise RequestError(f"nothing was kept before run {run}; it changed no switch (`provision show run {run}`)")
        found = {*revision.switches} if found is None else found & {*revision.switches}
    return found


def _comparison(
    inventory: Inventory,
    switch: str,
    then: Mapping[str | None, tuple[Revision, str]],
    now: Keepsake | str | None,
    words: tuple[str | None, str | None],
) -> Comparison:
    if isinstance(now, str):
        return Comparison(switch, error=now)
    titles: list[str] = []
    texts: list[list[str]] = []
    for word in words:
        if word == NOW and now is not None:
            titles.append(NOW)
            texts.append(archive_of(inventory).masked(now).splitlines())
        else:
            revision, text = then[word]
            titles.append(f"{start_words(revision.at, inventory).partition(' (')[0]} {revision.short}")
            texts.append(text.splitlines())
    file = f"{switch}.cfg"
    lines = difflib.unified_diff(texts[0], texts[1], file, file, titles[0], titles[1], lineterm="")
    return Comparison(switch, titles[0], titles[1], tuple(lines))


def restore_request(site: Readable, switch: str, ports: Sequence[str] = (), at: str | None = None) -> RestoreSections:
    """The request to bring ports (all that may be touched when none is named) back to what the archive has of them.
    Raises :class:`RequestError`."""
    if switch not in site.inventory.network.switches:
        unknown("switch", switch, site.inventory.network.switches)
    revision, text = configuration(site, switch, at)
    when = start_words(revision.at, site.inventory)
    return restore_sections(site.inventory, switch, text, commit=revision.short, at=when, ports=ports)


def before_run(site: Readable, run: int) -> Revision | None:
    """What was kept before a run; ``None``: nothing, or whoever asks may not look at it."""
    try:
        return archive_of(site.inventory).before(run)
    except LedgerError:
        return None


def moment_of(inventory: Inventory, words: str | None) -> Moment:
    """What a person means by a time, a commit or a run. Raises :class:`RequestError`."""
    if words is None:
        return None
    text = words.strip()
    if run := _RUN.fullmatch(text):
        return int(run[1])
    if _COMMIT.fullmatch(text):
        return text
    try:
        moment = read_start(text, inventory)
    except RequestError as exc:
        raise RequestError(
            f"{words!r} is no time, commit or run; expected 2026-11-20, 2026-11-20T14:00, a commit of "
            "`provision config log`, or `run 7` (before that run)"
        ) from exc
    if len(text) == len("2026-11-20"):
        moment += timedelta(days=1, seconds=-1)  # git keeps whole seconds
    return min(moment.astimezone(UTC), datetime.now(UTC))


def _names(inventory: Inventory, switches: Sequence[str]) -> tuple[str, ...]:
    for name in switches:
        if name not in inventory.network.switches:
            unknown("switch", name, inventory.network.switches)
    return tuple(dict.fromkeys(switches)) or tuple(inventory.network.switches)


def _known(inventory: Inventory, archive: Archive, switch: str) -> None:
    """Raise :class:`RequestError` for a switch that neither the site nor the archive has: it may have gone since."""
    known = (*inventory.network.switches, *archive.switches())
    if switch not in known:
        unknown("switch", switch, known)


def _read(site: Readable, names: Sequence[str], listener: Listener | None) -> dict[str, Keepsake | str]:
    """Switch → its configuration, or why it could not be read."""
    if not names:
        return {}
    with site.reading(listener, "the archive") as sessions:

        def read(name: str) -> Keepsake | str:
            target = f"switch:{name}"
            try:
                with sessions.session(target) as session:
                    return running_configuration(session)
            except TargetError as exc:
                return exc.message
            except ProvisioningError as exc:
                return str(exc)
            finally:
                sessions.drop(target)

        workers = ThreadPoolExecutor(min(len(names), MAX_TARGETS_AT_ONCE), "archive")
        try:
            return dict(zip(names, workers.map(read, names), strict=True))
        finally:
            workers.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: a dead switch may take its whole timeout
