"""Playbooks: what is told while one runs, and what became of each host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rich.text import Text

from provisioning.ledger import Event, RunRecord
from provisioning.ledger.playbook_records import OF_HOST, run_again, runs_made
from provisioning.reports.words import count, safe

if TYPE_CHECKING:
    from provisioning.ledger import Ledger

_SIGNS = {
    "ok": ("✓", "green", ""),
    "changed": ("~", "yellow", ""),
    "skipped": ("·", "dim", "left out"),
    "ignored": ("!", "yellow", "failed, and the playbook goes on"),
    "failed": ("✗", "red", "failed"),
    "unreachable": ("✗", "red", "cannot be reached"),
}
_ENDED = {
    "done": ("green", "done"),
    "partial": ("yellow", "partly done"),
    "interrupted": ("yellow", "interrupted"),
    "running": ("yellow", "running"),
}
_QUIET = frozenset({"ok", "skipped"})
_COUNTS = ("ok", "changed", "failed", "unreachable", "skipped", "ignored", "rescued")


class Settled(Protocol):
    """What this module needs to know of a task that ended on a host (:class:`~provisioning.engine.events.TaskSettled`
    is one)."""

    @property
    def host(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def difference(self) -> str: ...


def settled(event: Settled, *, verbose: bool) -> Text | None:
    """One task on one host, with what it said and what it changed; ``None`` where nothing is worth telling."""
    if event.outcome in _QUIET and not verbose and not event.detail:
        return None
    sign, style, words = _SIGNS[event.outcome]
    line = Text.assemble((f"{sign} ", style), f"{safe(event.host)}: {safe(event.task)}")
    if words:
        line.append(f" {words}", style)
    if event.detail:
        line.append(f": {safe(event.detail, lines=True)}")
    for changed in event.difference.splitlines():
        line.append(f"\n      {safe(changed)}", {"+": "green", "-": "red"}.get(changed[:1], "dim"))
    return line


def warned(text: str) -> Text:
    """What Ansible warns of."""
    return Text(f"Warning: {safe(text, lines=True)}", "yellow")


def document(
    record: RunRecord, events: Sequence[Event], *, warnings: Sequence[str] = (), seconds: float | None = None
) -> dict[str, Any]:
    """The run of a playbook as plain data."""
    request = record.request
    problem = next((event.error for event in reversed(events) if event.change_id is None and event.error), None)
    return {
        "format": 1,
        "title": record.title,
        "run": record.id,
        "playbook": request.get("playbook"),
        "state": record.state,
        "check": bool(request.get("check")),
        "limit": request.get("limit"),
        "after": request.get("after"),
        "problem": problem,
        "hosts": [_host(proof) for proof in record.proofs if proof["kind"] == OF_HOST],
        "runs": list(runs_made(record)),
        "warnings": list(warnings),
        "seconds": None if seconds is None else round(seconds, 3),
        "started": record.started,
        "finished": record.finished,
        "who": record.who,
        "again": run_again(request),
    }


def _host(proof: Mapping[str, Any]) -> dict[str, Any]:
    found = proof["parameters"]
    counts = {name: found.get(name, 0) for name in _COUNTS}
    said = {"problems": list(found.get("problems", ())), "runs": list(found.get("runs", ()))}
    return {"host": proof["target"], "passed": bool(proof["passed"]), **counts, **said}


def of_run(ledger: Ledger, number: int) -> Text:
    """The run of a playbook as the ledger has it, for people."""
    return as_text(document(ledger.run(number), ledger.events(number)))


def as_text(plain: Mapping[str, Any]) -> Text:
    """A document of :func:`document` for people."""
    return Text("\n").join(_lines(plain))


def _lines(plain: Mapping[str, Any]) -> Iterator[Text]:
    style, words = _ENDED.get(plain["state"], ("", str(plain["state"])))
    head = Text.assemble((f"Run {plain['run']}: ", "bold"), (words, f"bold {style}"), f" — {safe(plain['title'])}")
    if plain["seconds"] is not None:
        head.append(f" ({plain['seconds']:.1f} s)", "dim")
    yield head
    if plain["problem"]:
        yield Text(safe(plain["problem"], lines=True), "red")
    hosts = plain["hosts"]
    good = sum(host["passed"] for host in hosts)
    if hosts:
        counted = f"Hosts: {good} of {len(hosts)} without a failure"
        yield Text(counted, "bold green" if good == len(hosts) else "bold red")
    elif plain["state"] != "running":
        yield Text("No host was reached.", "yellow")
    for host in hosts:
        yield from _host_lines(host, check=plain["check"])
    if plain["runs"]:
        numbers = plain["runs"]
        yield Text(
            f"Its modules made {'run' if len(numbers) == 1 else 'runs'} {', '.join(map(str, numbers))}: "
            f"`provision show run {numbers[-1]}` shows one, `provision undo {numbers[-1]}` takes it back."
        )
    if plain["state"] not in {"done", "running"}:
        yield Text(f"To run it again: {safe(plain['again'])}")


def _host_lines(host: Mapping[str, Any], *, check: bool) -> Iterator[Text]:
    words = {"changed": "would change"} if check else {}
    counted = ", ".join(f"{host[name]} {words.get(name, name)}" for name in _COUNTS if host[name])
    sign = ("✓ ", "green") if host["passed"] else ("✗ ", "red")
    yield Text.assemble("  ", sign, f"{safe(host['host'])}: {counted or 'nothing to do'}")
    for problem in host["problems"]:
        yield Text(f"      {safe(problem)}", "red")


def listed(known: Mapping[str, Any], site: str) -> Text:
    """The playbooks that have a name."""
    if not known:
        return Text(f"There are no playbooks here. Put some into {safe(site)}, or give the path of one.")
    width = max(len(name) for name in known) + 2
    lines = [Text(f"{safe(name):<{width}}{safe(file)}") for name, file in sorted(known.items())]
    return Text("\n").join([Text(f"{count(len(known), 'playbook')}:", "bold"), *lines])
