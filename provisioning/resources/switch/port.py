"""``switch.port``: description, VLANs and on/off of access ports. Uplinks and trunks are never touched.

All ports of a batch go to the switch in one write. What the switch refuses or swallows is found at once:
the output is searched for rejections, the ports are read again, and a port that is not as asked for gets
its former lines back. The configuration is saved after that read, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioning.connections.switch import Sent, SwitchSession
from provisioning.errors import RejectedError, RequestError, VerifyError
from provisioning.resources.base import Change, Outcome
from provisioning.resources.switch.dialects import DIALECTS, Dialect, PortSection
from provisioning.resources.switch.state import SwitchPort
from provisioning.site.inventory import nearest

__all__ = ["PORT", "PortKind", "SwitchPort"]


@dataclass(frozen=True)
class _Step:
    """One port's way: what it was, what it should be, and the lines for it."""

    key: str
    former: PortSection
    wanted: SwitchPort
    lines: list[str]


@dataclass(frozen=True)
class PortKind:
    """Reads and applies access ports on one switch."""

    name: str = "switch.port"
    state: type[SwitchPort] = SwitchPort

    def read(self, session: SwitchSession, keys: Sequence[str]) -> dict[str, SwitchPort]:
        """All ports by one command. A port that the switch does not have is a fault of the cabling plan:
        :class:`RejectedError`."""
        sections = _sections(session, DIALECTS[session.switch.dialect])
        missing = [key for key in keys if key not in sections]
        if missing:
            raise RejectedError(
                session.target,
                f"the switch has no interface {missing[0]}{_advice(missing[0], sections)}; "
                "correct the outlet's switch_port",
            )
        return {key: sections[key].state for key in keys}

    def apply(self, session: SwitchSession, changes: Sequence[Change[SwitchPort]]) -> list[Outcome]:
        """Change the ports, check the answer, read back, restore what went wrong, save what went right."""
        dialect = DIALECTS[session.switch.dialect]
        steps, errors = _prepare(session, dialect, changes)
        if steps:
            sent = session.send([line for step in steps for line in step.lines])
            after = _sections(session, dialect)
            faults = _faults(session.target, steps, sent, after)
            errors |= {
                step.key: _restored(session, dialect, step, faults[step.key]) for step in steps if step.key in faults
            }
            if any(step.key not in errors for step in steps):
                errors |= _saved(session, [step.key for step in steps if step.key not in errors])
        return [Outcome(change.key, errors.get(change.key)) for change in changes]

    def finish(self, session: SwitchSession, changes: Sequence[Change[SwitchPort]]) -> None:  # noqa: ARG002
        """The ports are as wanted, but whoever changed them may have been killed before they were saved."""
        session.save()


def _saved(session: SwitchSession, keys: Sequence[str]) -> dict[str, RejectedError]:
    try:
        session.save()
    except RejectedError as exc:
        message = f"changed, but the switch {exc.message}"
        return {key: RejectedError(exc.target, f"{key}: {message}") for key in keys}
    return {}


def _sections(session: SwitchSession, dialect: Dialect) -> Mapping[str, PortSection]:
    return dialect.sections(session.show(dialect.read_ports))


def _advice(key: str, known: Mapping[str, PortSection]) -> str:
    return nearest(key, known).partition("; `provision")[0]


def _prepare(
    session: SwitchSession,
    dialect: Dialect,
    changes: Sequence[Change[SwitchPort]],
) -> tuple[list[_Step], dict[str, RejectedError]]:
    """What to send for each port, or why nothing is sent for it. Nothing has reached the switch when this
    returns."""
    sections = _sections(session, dialect)
    trunking = dialect.trunks(session.show(dialect.read_trunks))
    steps: list[_Step] = []
    errors: dict[str, RejectedError] = {}
    for change in changes:
        section = sections.get(change.key)
        try:
            if section is None:
                raise RejectedError(
                    session.target, f"the switch has no interface {change.key}{_advice(change.key, sections)}"
                )
            if change.after is None:
                raise RejectedError(
                    session.target,
                    f"{change.key} is a port and cannot be removed; ask for its default state instead",
                )
            _refuse(
                session,
                change.key,
                section,
                change.after,
                trunking=dialect.short_name(change.key) in trunking,
            )
            lines = dialect.lines(change.key, section.state, change.after)
        except RequestError as exc:
            errors[change.key] = RejectedError(session.target, str(exc))
        except RejectedError as exc:
            errors[change.key] = exc
        else:
            if lines:
                steps.append(_Step(change.key, section, change.after, lines))
    return steps, errors


def _refuse(session: SwitchSession, key: str, section: PortSection, wanted: SwitchPort, *, trunking: bool) -> None:
    """Refuse ports that carry more than a desk, by what the site says and by what the device says."""
    reason = None
    if key in session.switch.uplinks:
        reason = f"the site lists it as an uplink of {session.name}"
    elif section.off_limits is not None:
        reason = f"on the switch {section.off_limits}"
    elif trunking:
        reason = "the switch runs it as a trunk right now"
    elif wanted.mode is not None and wanted.mode != "access" and not wanted.mode.startswith("dynamic"):
        reason = f"mode {wanted.mode} is never set"
    if reason is not None:
        raise RejectedError(session.target, f"{key} was not touched: {reason}; check the outlet's patch in the site")


def _faults(
    target: str,
    steps: Sequence[_Step],
    sent: Sent,
    after: Mapping[str, PortSection],
) -> dict[str, RejectedError]:
    """Port → what went wrong with it: a refused line, or lines that were taken and not carried out."""
    owners = [step.key for step in steps for _ in step.lines]
    errors: dict[str, RejectedError] = {}
    for rejection in sent.rejections:
        owner = owners[rejection.index] if 0 <= rejection.index < len(owners) else owners[0]
        errors.setdefault(
            owner,
            RejectedError(target, f"{owner}: the switch rejected the line {rejection.line!r} ({rejection.answer})"),
        )
    for step in steps:
        seen = after.get(step.key)
        # What is not managed must be as before: a swallowed `no shutdown` would leave the port shut.
        goal = step.former.state.model_copy(update=step.wanted.model_dump(exclude_unset=True))
        differences = goal.differences(seen.state if seen else None)
        if differences and step.key not in errors:
            told = ", ".join(
                f"{name} is {found!r} instead of {wanted!r}" for name, (found, wanted) in differences.items()
            )
            errors[step.key] = VerifyError(
                target, f"{step.key}: the switch took the lines without an error, but {told}"
            )
    return errors


def _restored(session: SwitchSession, dialect: Dialect, step: _Step, error: RejectedError) -> RejectedError:
    """Give the port its former lines back; the error then says whether that worked."""
    now = _sections(session, dialect).get(step.key, step.former)
    lines = dialect.lines(step.key, now.state, step.former.state)
    if lines:
        session.send(lines)
        now = _sections(session, dialect).get(step.key, now)
    if now.lines == step.former.lines:
        return type(error)(session.target, f"{error.message}; its former lines are in place")
    left = ", ".join(sorted({*now.lines} ^ {*step.former.lines}))
    return type(error)(session.target, f"{error.message}; its former lines could not all be restored, look at: {left}")


PORT = PortKind()
