"""``switch.port``: everything that a port is told. Uplinks, foreign trunks and the way of management are never touched.

All ports of a batch go to the switch in one write. What the switch refuses or swallows is found at once: every line's
answer is looked at, the ports are read again behind the lines, and a port that is not as asked for gets its former
lines back. The configuration is saved after that read, once. Where the device offers it, it takes the whole change back
by itself should our session be lost in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioning.dialects import Dialect, Section, load
from provisioning.errors import RejectedError, RequestError, VerifyError
from provisioning.resources.base import Change, Keepsake, Outcome
from provisioning.resources.switch.confirming import finish, save
from provisioning.resources.switch.keepsake import running_configuration
from provisioning.resources.switch.look import (
    Look,
    attend,
    commands,
    look,
    refuse_if_pending,
    sections,
    sections_of,
)
from provisioning.resources.switch.state import SwitchPort
from provisioning.site import Inventory
from provisioning.site.inventory import nearest

if TYPE_CHECKING:
    from provisioning.connections.switch import Sent, SwitchSession

__all__ = ["PORT", "PortKind", "SwitchPort"]


@dataclass(frozen=True)
class _Step:
    """One port's way: what it was (as the device says it, and as we do), what it should be, and the lines for it."""

    key: str
    former: Section
    found: SwitchPort
    wanted: SwitchPort
    lines: list[str]


@dataclass(frozen=True)
class PortKind:
    """Reads and applies ports on one switch."""

    name: str = "switch.port"
    state: type[SwitchPort] = SwitchPort

    def read(self, session: SwitchSession, keys: Sequence[str]) -> dict[str, SwitchPort]:
        """All ports by one command. A port that the switch does not have is a fault of the cabling plan:
        :class:`RejectedError`."""
        found = sections(session, keys)
        missing = [key for key in keys if key not in found]
        if missing:
            raise RejectedError(
                session.target,
                f"the switch has no interface {missing[0]}{_advice(missing[0], found)}; "
                "correct the outlet's switch_port",
            )
        return {key: SwitchPort.of(found[key]) for key in keys}

    def attend(self, session: SwitchSession, keys: Sequence[str], *, keeping: bool) -> AbstractContextManager[None]:
        """Two round trips less."""
        return attend(session, keys, keeping=keeping)

    def apply(self, session: SwitchSession, changes: Sequence[Change[SwitchPort]]) -> list[Outcome]:
        """Change the ports, check the answer, read back, restore what went wrong, save what went right."""
        seen = look(session, [change.key for change in changes])
        steps, errors = _prepare(session, seen, changes)
        errors |= (refused := _rehearsed(session, steps))
        steps = [step for step in steps if step.key not in refused]
        if steps:
            lines = [line for step in steps for line in step.lines]
            keys = [step.key for step in steps]
            sent = session.send(lines, commands(session.dialect, keys), guarded=seen.guarded)
            after = sections_of(session.dialect, sent.shown, keys)
            faults = _faults(session, steps, sent, after)
            restored = {step.key: _restored(session, step, faults[step.key]) for step in steps if step.key in faults}
            errors |= {key: error for key, (error, _) in restored.items()}
            # Refused in entering or leaving configuration mode: nobody knows what took effect, or will.
            unsure = any(one.index < 0 for one in sent.rejections) or not all(back for _, back in restored.values())
            if seen.guarded:
                errors |= _taken_back(session, steps, errors) if unsure else _kept(session, steps, errors)
            if any(step.key not in errors for step in steps):
                save(session, errors)
        return [Outcome(change.key, errors.get(change.key)) for change in changes]

    def finish(self, session: SwitchSession, changes: Sequence[Change[SwitchPort]]) -> None:
        """What a killed process may have left: see :func:`~provisioning.resources.switch.confirming.finish`."""
        finish(self, session, changes)

    def keepsake(self, session: SwitchSession) -> Keepsake:
        """The configuration before the change."""
        return running_configuration(session)

    def lines(self, inventory: Inventory, change: Change[SwitchPort]) -> tuple[str, ...]:
        """What will be typed on the switch for `change` (without entering and leaving configuration mode). Raises
        :class:`RequestError` for what its family cannot be told."""
        dialect = load(inventory.network.switches[change.target.partition(":")[2]].dialect)
        found = SwitchPort() if change.before is None else change.before
        goal = found if change.after is None else change.after.laid_over(found)
        return tuple(dialect.port_lines(change.key, found.fields(), goal.fields()))


def _kept(
    session: SwitchSession, steps: Sequence[_Step], errors: Mapping[str, RejectedError]
) -> dict[str, RejectedError]:
    """Confirm a guarded change. A device that has nothing to confirm was too slow for its own timer, or somebody else
    confirmed: a third look tells."""
    if not (refusal := session.confirm()):
        return {}
    refuse_if_pending(session)
    now = sections(session, [step.key for step in steps])
    return {
        step.key: VerifyError(
            session.target, f"{step.key}: the switch took the change back before it was confirmed ({refusal})"
        )
        for step in steps
        if step.key not in errors and _differences(session.dialect, step, now.get(step.key))
    }


def _taken_back(
    session: SwitchSession, steps: Sequence[_Step], errors: Mapping[str, RejectedError]
) -> dict[str, RejectedError]:
    """Let the switch take the whole change back, and say so at every port of it."""
    guard = session.dialect.guard
    refusal = session.revert()
    now = sections(session, [step.key for step in steps])
    cause = next((error.message for error in errors.values()), "the switch refused it")
    told: dict[str, RejectedError] = {}
    for step in steps:
        own = errors.get(step.key)
        said = own.message if own is not None else f"{step.key} was not kept either ({cause})"
        if step.key in now and now[step.key].lines == step.former.lines:
            end = "the switch took the whole batch back, and its former lines are in place"
        elif guard is not None and not guard.revert:
            end = f"the switch takes the whole batch back by itself within {guard.minutes} min"
        else:
            end = f"the switch was told to take the whole batch back{f' ({refusal})' * bool(refusal)}: look at the port"
        told[step.key] = (RejectedError if own is None else type(own))(session.target, f"{said}; {end}")
    return told


def _advice(key: str, known: Mapping[str, Section]) -> str:
    return nearest(key, known).partition("; `provision")[0]


def _prepare(
    session: SwitchSession, seen: Look, changes: Sequence[Change[SwitchPort]]
) -> tuple[list[_Step], dict[str, RejectedError]]:
    """What to send for each port, or why nothing is sent for it."""
    steps: list[_Step] = []
    errors: dict[str, RejectedError] = {}
    for change in changes:
        try:
            step = _step(session, seen, change)
        except RequestError as exc:
            errors[change.key] = RejectedError(session.target, str(exc))
        except RejectedError as exc:
            errors[change.key] = exc
        else:
            if step.lines:
                steps.append(step)
    return steps, errors


def _step(session: SwitchSession, seen: Look, change: Change[SwitchPort]) -> _Step:
    section = seen.sections.get(change.key)
    if section is None:
        raise RejectedError(
            session.target, f"the switch has no interface {change.key}{_advice(change.key, seen.sections)}"
        )
    if change.after is None:
        raise RejectedError(
            session.target, f"{change.key} is a port and cannot be removed; ask for its default state instead"
        )
    reason = seen.refusal(session, change.key, change.after)
    if reason is not None:
        raise RejectedError(
            session.target, f"{change.key} was not touched: {reason}; check the outlet's patch in the site"
        )
    found = SwitchPort.of(section)
    lines = session.dialect.port_lines(change.key, found.fields(), change.after.laid_over(found).fields())
    return _Step(change.key, section, found, change.after, lines)


def _rehearsed(session: SwitchSession, steps: Sequence[_Step]) -> dict[str, RejectedError]:
    """Ports that the switch does not let us enter, where a line for a port means the whole switch outside of one."""
    if not steps or not session.dialect.ports.write.rehearse:
        return {}
    visits = [(step.key, line) for step in steps for line in session.dialect.visit_lines(step.key)]
    sent = session.send([line for _, line in visits])
    told = {visits[one.index][0] if one.index >= 0 else None: one for one in reversed(sent.rejections)}
    refused = told if None not in told else dict.fromkeys((step.key for step in steps), told[None])
    return {
        key: RejectedError(
            session.target, f"{key} was not touched: the switch rejected the line {one.line!r} ({one.answer})"
        )
        for key, one in refused.items()
        if key is not None
    }


def _faults(
    session: SwitchSession, steps: Sequence[_Step], sent: Sent, after: Mapping[str, Section]
) -> dict[str, RejectedError]:
    """Port → what went wrong with it: a refused line, or lines that were taken and not carried out."""
    owners = [step.key for step in steps for _ in step.lines]
    errors: dict[str, RejectedError] = {}
    for rejection in sent.rejections:
        said = f"the switch rejected the line {rejection.line!r} ({rejection.answer})"
        # A line that enters or leaves configuration mode is everybody's.
        blamed = [owners[rejection.index]] if 0 <= rejection.index < len(owners) else [step.key for step in steps]
        for owner in blamed:
            errors.setdefault(owner, RejectedError(session.target, f"{owner}: {said}"))
    for step in steps:
        differences = _differences(session.dialect, step, after.get(step.key))
        if differences and step.key not in errors:
            told = ", ".join(
                f"{name} is {found!r} instead of {wanted!r}" for name, (found, wanted) in differences.items()
            )
            errors[step.key] = VerifyError(
                session.target, f"{step.key}: the switch took the lines without an error, but {told}"
            )
    return errors


def _differences(dialect: Dialect, step: _Step, seen: Section | None) -> dict[str, tuple[object, object]]:
    """What is not managed must be as before: a swallowed `no shutdown` would leave the port shut. What means nothing
    on such a port (the access VLAN of a trunk, on some families) may read as it likes."""
    goal = step.wanted.laid_over(step.found)
    managed = goal.model_copy(update={"allowed_vlans": step.wanted.allowed_vlans})
    silent = dialect.silent_fields(goal.fields()) - {*step.wanted.managed()}
    differences = managed.differences(SwitchPort.of(seen) if seen else None)
    return {name: pair for name, pair in differences.items() if name.partition("[")[0] not in silent}


def _restored(session: SwitchSession, step: _Step, error: RejectedError) -> tuple[RejectedError, bool]:
    """Give the port its former lines back; the error then says whether that worked."""
    now = sections(session, [step.key]).get(step.key, step.former)
    lines = session.dialect.port_lines(step.key, SwitchPort.of(now).fields(), step.found.fields())
    if lines:
        sent = session.send(lines, commands(session.dialect, [step.key]))
        now = sections_of(session.dialect, sent.shown, [step.key]).get(step.key, now)
    now = _replayed(session, step, now)
    if now.lines == step.former.lines:
        return type(error)(session.target, f"{error.message}; its former lines are in place"), True
    left = ", ".join(sorted({*now.lines} ^ {*step.former.lines}))
    end = f"its former lines could not all be restored, look at: {left}"
    return type(error)(session.target, f"{error.message}; {end}"), False


def _replayed(session: SwitchSession, step: _Step, now: Section) -> Section:
    """Lines that no field stands for (addresses that port security learned) are typed as the device printed them."""
    ports = session.dialect.ports
    missing = [line for line in step.former.lines if line not in now.lines]
    if not missing or ports.layout != "indented" or ports.nested:
        return now
    visit, inside = session.dialect.visit_lines(step.key), len(ports.write.enter)
    try:
        sent = session.send([*visit[:inside], *missing, *visit[inside:]], commands(session.dialect, [step.key]))
    except RejectedError:  # one of them cannot be typed
        return now
    return sections_of(session.dialect, sent.shown, [step.key]).get(step.key, now)


PORT = PortKind()
