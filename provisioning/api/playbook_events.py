"""What ansible-runner tells of a playbook, as our events, and what it comes to, host by host.

All text in it is of others: secrets that we know are masked, control sequences are taken out, long texts are cut.
Events that are not known here are left alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from provisioning.engine.events import Event, PlaybookWarned, TaskOutcome, TaskSettled, TaskStarted

OURS = "workplace.provisioning."
"""What the names of our modules begin with: their results carry the number of the run that they made."""

LONGEST = 4000
"""Characters of one text."""

_SHORTEST_SECRET = 4
"""Characters; shorter ones would mask half of the language."""

_MOST_LINES = 40
"""Of what Ansible said outside of its events, kept in case it says why it ended."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")
_LOUD = re.compile(r"^\[(ERROR|WARNING|DEPRECATION WARNING)\]: ?")
_NO_LOG = "the result is hidden (no_log)"
_SETTLED = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}
_COUNTED = {
    "ok": "ok", "changed": "changed", "failed": "failures", "unreachable": "dark", "skipped": "skipped",
    "ignored": "ignored", "rescued": "rescued",
}  # fmt: skip
"""Ours → what Ansible's statistics call it."""


@dataclass(frozen=True)
class HostOutcome:
    """What a playbook came to on one host: tasks by outcome (those that changed something count as ``ok`` too), a
    sentence for each failure, and the runs that our modules made there."""

    host: str
    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    ignored: int = 0
    rescued: int = 0
    problems: tuple[str, ...] = ()
    runs: tuple[int, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it was reached, and nothing failed there for good."""
        return not self.failed and not self.unreachable

    @property
    def counted(self) -> str:
        """``4 ok, 1 changed, 1 failed``."""
        names = ("ok", "changed", "failed", "unreachable", "skipped", "ignored", "rescued")
        return ", ".join(f"{number} {name}" for name in names if (number := getattr(self, name))) or "nothing to do"

    @property
    def sentence(self) -> str:
        """What was counted, the runs, and what failed."""
        made = f"; run{'' if len(self.runs) == 1 else 's'} {', '.join(map(str, self.runs))}" if self.runs else ""
        return f"{self.counted}{made}{': ' if self.problems else ''}{'; '.join(self.problems)}"


@dataclass
class Tally:
    """Takes in the events of one playbook in their order. `secrets` are the values that it must not repeat."""

    secrets: Sequence[str] = ()
    warnings: list[str] = field(default_factory=list, init=False)
    lines: list[str] = field(default_factory=list, init=False)
    started: bool = field(default=False, init=False)
    has_ended: bool = field(default=False, init=False)
    """Whether Ansible came to its end and counted."""
    _counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter), init=False)
    _problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list), init=False)
    _runs: dict[str, dict[int, None]] = field(default_factory=lambda: defaultdict(dict), init=False)
    _differences: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list), init=False)

    def take(self, raw: Mapping[str, Any]) -> Iterator[Event]:
        """What an event is worth telling."""
        kind, about = raw.get("event"), _mapping(raw.get("event_data"))
        if kind == "playbook_on_start":
            self.started = True
        elif kind == "playbook_on_task_start":
            yield TaskStarted(self._text(about.get("play")), self._text(about.get("task")))
        elif kind == "playbook_on_stats":
            self._count_anew(about)
        elif kind == "playbook_on_no_hosts_matched":
            yield from self._warn("a play was left out, because the inventory has no host that it is for")
        elif kind == "runner_on_file_diff":
            self._differences[str(about.get("host"))].append(self._text(raw.get("stdout"), lines=True))
        elif kind in _SETTLED:
            yield self._settled(_SETTLED[str(kind)], about)
        elif kind in {"verbose", "warning", "error", "system_warning"} and isinstance(raw.get("stdout"), str):
            yield from self._said(str(raw["stdout"]))

    @property
    def hosts(self) -> Mapping[str, HostOutcome]:
        """What it came to, as far as it went."""
        return {
            host: HostOutcome(
                host, **{name: self._counts[host][name] for name in _COUNTED},
                problems=tuple(dict.fromkeys(self._problems[host])), runs=tuple(self._runs[host]),
            )
            for host in sorted(self._counts)
        }  # fmt: skip

    @property
    def complaint(self) -> str:
        """Why Ansible did not begin, or did not end, in its own words."""
        first = next((i for i, line in enumerate(self.lines) if line.startswith("[ERROR]")), None)
        told = self.lines[first:] if first is not None else self.lines[-5:]
        words = [_LOUD.sub("", line).strip() for line in told]
        return "\n".join(word for word in words if word) or "it said nothing"

    # ------------------------------------------------------------------------------------------------ single events

    def _settled(self, outcome: str, about: Mapping[str, Any]) -> TaskSettled:
        host, task, result = str(about.get("host")), self._text(about.get("task")), _mapping(about.get("res"))
        action = f"{about.get('task_action')} {about.get('resolved_action')}"
        if OURS in action:
            self._runs[host] |= dict.fromkeys(_runs_in(result))
        said: TaskOutcome = outcome  # type: ignore[assignment]
        if outcome == "ok" and result.get("changed") is True:
            said = "changed"
            self._counts[host]["ok"] += 1
        elif outcome == "failed" and about.get("ignore_errors"):
            said = "ignored"
            self._counts[host]["ok"] += 1
        self._counts[host][said] += 1
        detail = self._detail(said, result)
        if said in {"failed", "unreachable"}:
            self._problems[host].append(f"{task}: {' '.join(detail.split())}")
        difference = "\n".join(filter(None, self._differences.pop(host, [])))
        return TaskSettled(self._text(host), task, said, detail, difference)

    def _detail(self, outcome: TaskOutcome, result: Mapping[str, Any]) -> str:
        if "censored" in result:
            return _NO_LOG if outcome in {"failed", "unreachable", "ignored"} else ""
        if outcome in {"failed", "unreachable", "ignored"}:
            items = [one for one in _results(result) if one.get("failed") or one.get("unreachable")]
            words = [self._text(_why(one), lines=True) for one in items or [result]]
            return "\n".join(dict.fromkeys(words)) or "it does not say why"
        spoken = [one for one in _results(result) or [result] if one.get("_ansible_verbose_always")]
        return "\n".join(filter(None, (self._text(_spoken(one), lines=True) for one in spoken)))

    def _said(self, stdout: str) -> Iterator[Event]:
        text = self._text(stdout, lines=True)
        for line in text.splitlines():
            self.lines.append(line)
        del self.lines[:-_MOST_LINES]
        found = _LOUD.match(text)
        if found and found[1] == "WARNING":
            yield from self._warn(text[found.end() :])

    def _warn(self, text: str) -> Iterator[Event]:
        if text not in self.warnings:
            self.warnings.append(text)
            yield PlaybookWarned(text)

    def _count_anew(self, about: Mapping[str, Any]) -> None:
        """Ansible's own counts know what was rescued later."""
        self.has_ended = True
        for host in _mapping(about.get("processed")):
            counted = {ours: _mapping(about.get(theirs)).get(host, 0) for ours, theirs in _COUNTED.items()}
            self._counts[host] = Counter(counted)
            if not counted["failed"] and not counted["unreachable"]:
                self._problems.pop(host, None)

    def _text(self, value: Any, *, lines: bool = False) -> str:
        text = "" if value is None else _words(value)
        text = _SEQUENCE.sub("", text.replace("\r\n", "\n"))
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "********")
        text = "".join(c if c.isprintable() or (lines and c == "\n") else "    " if c == "\t" else " " for c in text)
        return text.strip("\n ") if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _results(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The results of a loop's items."""
    found = result.get("results")
    items = [_mapping(one) for one in found] if isinstance(found, list) else []
    return items if all("ansible_loop_var" in one for one in items) else []


def _runs_in(result: Mapping[str, Any]) -> list[int]:
    found = [one.get("run") for one in (result, *_results(result))]
    return [number for number in found if isinstance(number, int) and not isinstance(number, bool)]


def _why(result: Mapping[str, Any]) -> Any:
    for name in ("msg", "module_stderr", "stderr", "reason"):
        if result.get(name):
            return result[name]
    return result.get("module_stdout") or ""


def _spoken(result: Mapping[str, Any]) -> Any:
    """What ``ansible.builtin.debug`` was to say: its message, or the variable."""
    if "msg" in result:
        return result["msg"]
    said = {name: value for name, value in result.items() if not name.startswith("_") and name not in _BESIDE}
    return "\n".join(f"{name}:{_beside(_words(value))}" for name, value in said.items())


def _beside(text: str) -> str:
    return "".join(f"\n  {line}" for line in text.splitlines()) if "\n" in text else f" {text}"


_BESIDE = frozenset({"changed", "failed", "item", "ansible_loop_var", "skipped"})


def _words(value: Any) -> str:
    """A text as it is, a list of texts line by line, lists and mappings as YAML, anything else as JSON has it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    if isinstance(value, (list, dict)) and value:
        return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=1000)
    return json.dumps(value, ensure_ascii=False, default=str)
