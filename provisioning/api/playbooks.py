"""Running playbooks: ours, the site's, anybody's. ansible-runner does it; what it tells becomes our events, a run in
the ledger and sentences in the work log.

See ``docs/playbooks.md``. Needs the extra ``ansible``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provisioning.api import playbook_settings
from provisioning.api.playbook_events import HostOutcome, Tally
from provisioning.api.playbook_process import PlaybookProcess
from provisioning.api.playbook_record import Record
from provisioning.api.playbook_settings import Settings
from provisioning.engine.events import Listener, Stopping, one_at_a_time
from provisioning.errors import RequestError
from provisioning.site import playbooks

if TYPE_CHECKING:
    from provisioning.api.site import Site

__all__ = ["HostOutcome", "PlaybookRun", "run_playbook"]

PlaybookState = Literal["done", "partial", "interrupted"]

_GOOD = frozenset({0, 2, 4, 6})
"""Exit codes of ansible-playbook that say no more than its counts: hosts failed (2), were unreachable (4)."""


@dataclass(frozen=True)
class PlaybookRun:
    """What a playbook came to. `id` is the number of its run in the ledger (``None``: it was stopped before it began),
    `problem` why it did not come to its end, `hosts` what became of each."""

    id: int | None
    playbook: str
    state: PlaybookState
    check: bool
    hosts: Mapping[str, HostOutcome]
    warnings: tuple[str, ...] = ()
    problem: str | None = None
    seconds: float = 0.0
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether it came to its end and nothing failed on any host."""
        return self.state == "done"

    @property
    def changed(self) -> bool:
        """Whether anything was changed; in check mode: would be."""
        return any(one.changed for one in self.hosts.values())

    @property
    def runs(self) -> tuple[int, ...]:
        """The runs that our own modules made in it."""
        return tuple(sorted({number for one in self.hosts.values() for number in one.runs}))


def run_playbook(
    site: Site,
    playbook: str | Path,
    *,
    inventory: str | Path | None = None,
    limit: str | None = None,
    tags: Sequence[str] = (),
    skip_tags: Sequence[str] = (),
    extra_vars: Mapping[str, Any] | None = None,
    extra_vars_files: Sequence[Path] = (),
    secrets: Mapping[str, str] | None = None,
    vault_password_file: Path | None = None,
    check: bool = False,
    diff: bool = False,
    forks: int | None = None,
    timeout: float | None = None,
    listener: Listener | None = None,
    cancel: Callable[[], bool] | None = None,
    after: int | None = None,
) -> PlaybookRun:
    """Run a playbook: by name (of the site's folder ``playbooks``, else of the clone), or a path. May be called in any
    thread.

    Without `inventory` the site is the inventory. `secrets` maps variables to secret references. `timeout` is in
    seconds (without it: the site's ``runs: playbook_timeout``). `cancel` is asked several times a second; once it says
    ``True``, as after the first Ctrl-C, no further task is begun; a second Ctrl-C interrupts those that are under way.
    `after` is the run that it is a step of.

    Hosts that fail or cannot be reached raise nothing: the result names them. Raises
    :class:`~provisioning.errors.RequestError` when there is no such playbook, or Ansible refuses to begin (a mistake in
    it, no host); :class:`~provisioning.errors.SecretError`; :class:`~provisioning.errors.LedgerError`. Nothing was
    changed then.
    """
    settings = Settings(
        inventory, limit, tuple(tags), tuple(skip_tags), dict(extra_vars or {}), tuple(extra_vars_files),
        dict(secrets or {}), vault_password_file, check, diff, forks,
    )  # fmt: skip
    file = playbook_settings.find(site, playbook)
    settings.refuse()
    if timeout is None and (span := site.inventory.runs.playbook_timeout) is not None:
        timeout = span.total_seconds()
    named = playbooks.named(site.inventory.folder, file.name)
    called = file.stem if named is not None and named.absolute() == file else str(file)
    return _Play(site, file, called, settings, timeout, one_at_a_time(listener), cancel or (lambda: False), after).run()


@dataclass
class _Play:
    """One playbook from its first event to its record."""

    site: Site
    file: Path
    called: str
    settings: Settings
    timeout: float | None
    listener: Listener
    cancel: Callable[[], bool]
    after: int | None
    _pressed: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)

    def run(self) -> PlaybookRun:
        begun = time.monotonic()
        secret = playbook_settings.resolved(self.site, self.settings.secrets)
        vault = playbook_settings.vault_password(self.site, self.settings)
        tally = Tally(playbook_settings.to_mask(self.site, vault, *secret.values()))
        request = {"playbook": self.called, "file": str(self.file), "after": self.after, **self.settings.request()}
        with Record(self.site, _title(self.file, self.settings), request) as record, self._signals():

            def hear(event: Mapping[str, Any]) -> None:
                for told in tally.take(event):
                    self.listener(told)
                if tally.started and record.number is None:
                    record.begin()
                    process.begin()

            process = PlaybookProcess(
                lambda folder: self.settings.arguments(folder, self.file),
                playbook_settings.environment(self.site, self.after),
                hear,
                self._must_stop,
                files={playbook_settings.INVENTORY: playbook_settings.inventory_text(self.site)},
                variables=playbook_settings.variables_text(self.settings.extra_vars, secret),
                vault_password=None if vault is None else vault.get_secret_value(),
                timeout=self.timeout,
            )
            code = process.run()
            state, problem = self._ending(tally, code, timed_out=process.timed_out)
            record.end("done" if state == "done" else "partial", tally.hosts, problem)
        return PlaybookRun(
            record.number, self.file.name, state, self.settings.check, tally.hosts, tuple(tally.warnings), problem,
            time.monotonic() - begun, request,
        )  # fmt: skip

    def _ending(self, tally: Tally, code: int, *, timed_out: bool) -> tuple[PlaybookState, str | None]:
        """How it ended and why. Raises :class:`RequestError` when it never began."""
        if timed_out:
            return "partial", f"it was ended because it took longer than {self.timeout:g} s"
        if self._stopping and not tally.has_ended:
            return "interrupted", "it was interrupted"
        if not tally.started:
            raise RequestError(f"the playbook {self.file} cannot be run: {tally.complaint}")
        if not tally.has_ended:
            return "partial", f"ansible-playbook ended in the middle, with exit code {code}: {tally.complaint}"
        if code not in _GOOD:
            return "partial", f"ansible-playbook ended with exit code {code}: {tally.complaint}"
        return ("done" if all(one.passed for one in tally.hosts.values()) else "partial"), None

    def _must_stop(self) -> int:
        wanted = max(self._pressed, int(self.cancel()))
        if wanted and not self._stopping:
            self._stopping = True
            self.listener(Stopping())
        return min(wanted, 2)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C stops the playbook instead of this program. The terminal sends it to us alone: the playbook has no
        terminal. Signals can be caught in the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def press(_number: int, _frame: object) -> None:
            self._pressed += 1

        former = {number: signal.signal(number, press) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def _title(file: Path, settings: Settings) -> str:
    limit = f" for {settings.limit}" if settings.limit else ""
    return f"run playbook {file.name}{limit}{' (check)' if settings.check else ''}"
