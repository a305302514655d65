"""``switch.section``: a port's whole section of the configuration, line by line, as the archive has it.

A port is set to its factory state and told the archived lines, all ports in one write, guarded by the device where it
offers that. Then it is read again: a port whose section is not the archived one gets its former lines back. Secrets
are compared by their fingerprints and never sent: a section that holds one cannot be restored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from provisioning.dialects import Dialect, Section, load
from provisioning.dialects.masking import is_masked, masked
from provisioning.errors import RejectedError, VerifyError
from provisioning.resources.base import Change, Keepsake, Outcome, State
from provisioning.resources.switch.confirming import finish, save
from provisioning.resources.switch.keepsake import running_configuration
from provisioning.resources.switch.look import Look, attend, commands, look, refuse_if_pending, sections, sections_of
from provisioning.resources.switch.state import SwitchPort
from provisioning.secrets.fingerprints import fingerprint_key
from provisioning.site import Inventory
from provisioning.site.archive import archive_folder
from provisioning.site.inventory import nearest

if TYPE_CHECKING:
    from provisioning.connections.switch import Sent, SwitchSession

__all__ = ["SECTION", "InterfaceSection", "SectionKind", "replayable"]


class InterfaceSection(State):
    """The lines below ``interface X``, as the device prints them, secrets masked. Never absent: a port in its factory
    state has none."""

    lines: tuple[str, ...] = ()

    def differences(self, actual: Self | None) -> dict[str, tuple[Any, Any]]:
        """``{lines[LINE]: (None, True)}`` for a line to come, ``(True, None)`` for one to go."""
        if actual is not None and actual.lines == self.lines:
            return {}
        found = () if actual is None else actual.lines
        gone = {f"lines[{line}]": (True, None) for line in found if line not in self.lines}
        come = {f"lines[{line}]": (None, True) for line in self.lines if line not in found}
        return {**gone, **come} or {"lines": (found, self.lines)}

    def as_port(self, dialect: Dialect, key: str) -> SwitchPort:
        """What the lines say about the port."""
        return SwitchPort.of(_section(dialect, key, self.lines))


@dataclass(frozen=True)
class _Step:
    """One port's way: its very lines now, those that it should have, and what is typed for that."""

    key: str
    former: tuple[str, ...]
    wanted: tuple[str, ...]
    typed: list[str]


def replayable(dialect: Dialect) -> bool:
    """Whether this family's ports are sections that it takes back as it prints them."""
    return dialect.ports.layout == "indented" and bool(dialect.ports.write.default)


@dataclass(frozen=True)
class SectionKind:
    """Reads and restores sections of ports on one switch."""

    name: str = "switch.section"
    state: type[InterfaceSection] = InterfaceSection

    def read(self, session: SwitchSession, keys: Sequence[str]) -> dict[str, InterfaceSection]:
        """All ports by one command. Raises :class:`RejectedError` for a port that the switch does not have."""
        found, hide = sections(session), _Hidden.of(session)
        for key in keys:
            if key not in found:
                raise RejectedError(session.target, f"the switch has no interface {key}{_advice(key, found)}")
        return {key: InterfaceSection(lines=hide(found[key].lines)) for key in keys}

    def attend(self, session: SwitchSession, keys: Sequence[str], *, keeping: bool) -> AbstractContextManager[None]:  # noqa: ARG002  (all ports are read)
        """Two round trips less."""
        return attend(session, keeping=keeping)

    def apply(self, session: SwitchSession, changes: Sequence[Change[InterfaceSection]]) -> list[Outcome]:
        """Restore the ports, read back, give those that went wrong their former lines, save what went right."""
        seen = look(session)
        steps: list[_Step] = []
        errors: dict[str, RejectedError] = {}
        for change in changes:
            try:
                steps.append(_step(session, seen, change))
            except RejectedError as exc:
                errors[change.key] = exc
        if steps:
            typed = [line for step in steps for line in step.typed]
            sent = session.send(typed, commands(session.dialect), guarded=seen.guarded)
            faults = _faults(session, steps, sent)
            errors |= {step.key: _given_back(session, step, faults[step.key]) for step in steps if step.key in faults}
            if seen.guarded and (refusal := session.confirm()):
                errors |= _lost(session, [step for step in steps if step.key not in errors], refusal)
            if any(step.key not in errors for step in steps):
                save(session, errors)
        return [Outcome(change.key, errors.get(change.key)) for change in changes]

    def finish(self, session: SwitchSession, changes: Sequence[Change[InterfaceSection]]) -> None:
        """What a killed process may have left: see :func:`~provisioning.resources.switch.confirming.finish`."""
        finish(self, session, changes)

    def keepsake(self, session: SwitchSession) -> Keepsake:
        """The configuration before the change."""
        return running_configuration(session)

    def lines(self, inventory: Inventory, change: Change[InterfaceSection]) -> tuple[str, ...]:
        """What will be typed on the switch for `change` (without entering and leaving configuration mode)."""
        dialect = load(inventory.network.switches[change.target.partition(":")[2]].dialect)
        return tuple(_typed(dialect, change.key, () if change.after is None else change.after.lines))


@dataclass(frozen=True)
class _Hidden:
    """Hides the secrets of a section as the archive does."""

    dialect: Dialect
    key: bytes

    @classmethod
    def of(cls, session: SwitchSession) -> _Hidden:
        return cls(session.dialect, fingerprint_key(archive_folder(session.inventory)))

    def __call__(self, lines: Sequence[str]) -> tuple[str, ...]:
        """In the section of an interface, so that masks that ask for it count."""
        section = "\n".join(["interface", *(f" {line}" for line in lines)])
        return tuple(line[1:] for line in masked(section, self.dialect.mask, self.key).splitlines()[1:])


def _step(session: SwitchSession, seen: Look, change: Change[InterfaceSection]) -> _Step:
    """What is to be typed for one port. Raises :class:`RejectedError` with the reason why nothing is."""
    key, section = change.key, seen.sections.get(change.key)
    if section is None:
        raise RejectedError(session.target, f"the switch has no interface {key}{_advice(key, seen.sections)}")
    if change.after is None:
        raise RejectedError(session.target, f"{key} is a port and cannot be removed; restore its factory state instead")
    wanted = change.after.lines
    reason = _refusal(session, seen, key, section, wanted)
    if reason is not None:
        raise RejectedError(session.target, f"{key} was not touched: {reason}")
    return _Step(key, section.lines, wanted, _typed(session.dialect, key, wanted))


def _refusal(session: SwitchSession, seen: Look, key: str, section: Section, wanted: Sequence[str]) -> str | None:
    """Why a port must be left alone, by what it is and by what it would become."""
    if not replayable(session.dialect):
        return f"sections of {session.dialect.title} cannot be typed in again; change the port by other means"
    if any(map(is_masked, wanted)):
        return "its archived section holds a secret, and secrets are not in the archive; type that in by hand"
    if any(map(is_masked, _Hidden.of(session)(section.lines))):
        return "its present section holds a secret, which no undo could bring back; change the port by hand"
    if (reason := seen.refusal(session, key, SwitchPort())) is not None:
        return reason
    archived = _section(session.dialect, key, wanted)
    if archived.off_limits is not None:
        return f"in the archive {archived.off_limits}"
    mode = archived.fields.get("mode")
    return None if mode in {None, "access"} or mode.startswith("dynamic") else f"in the archive its mode is {mode}"


def _section(dialect: Dialect, key: str, lines: Sequence[str]) -> Section:
    """What lines say about their port."""
    heading = _filled(dialect, key, dialect.ports.write.enter)[0]
    return dialect.read_ports(["\n".join([heading, *(f" {line}" for line in lines)])])[key]


def _typed(dialect: Dialect, key: str, wanted: Sequence[str]) -> list[str]:
    write = dialect.ports.write
    head, tail = (_filled(dialect, key, lines) for lines in ((*write.default, *write.enter), write.leave))
    return [*head, *wanted, *tail]


def _filled(dialect: Dialect, key: str, lines: Sequence[str]) -> list[str]:
    return [line.replace("{port}", key).replace("{configure}", dialect.manner.configure) for line in lines]


def _faults(session: SwitchSession, steps: Sequence[_Step], sent: Sent) -> dict[str, RejectedError]:
    """Port → what went wrong with it: a refused line, or lines that were taken and not carried out."""
    owners = [step.key for step in steps for _ in step.typed]
    errors: dict[str, RejectedError] = {}
    for refused in sent.rejections:
        said = f"the switch rejected the line {refused.line!r} ({refused.answer})"
        blamed = [owners[refused.index]] if 0 <= refused.index < len(owners) else [step.key for step in steps]
        for key in blamed:
            errors.setdefault(key, RejectedError(session.target, f"{key}: {said}"))
    after = sections_of(session.dialect, sent.shown)
    for step in steps:
        lines = after[step.key].lines if step.key in after else ()
        if lines != step.wanted and step.key not in errors:
            differing = ", ".join(sorted({*lines} ^ {*step.wanted})) or "their order"
            errors[step.key] = VerifyError(
                session.target,
                f"{step.key}: the switch took the lines without an error, but they differ in {differing}",
            )
    return errors


def _given_back(session: SwitchSession, step: _Step, error: RejectedError) -> RejectedError:
    """Give a port its former lines back; the error then says whether that worked."""
    sent = session.send(_typed(session.dialect, step.key, step.former), commands(session.dialect))
    now = sections_of(session.dialect, sent.shown).get(step.key)
    if now is not None and now.lines == step.former:
        return type(error)(session.target, f"{error.message}; its former lines are in place")
    left = ", ".join(sorted({*(now.lines if now else ())} ^ {*step.former}))
    return type(error)(session.target, f"{error.message}; its former lines could not all be restored, look at: {left}")


def _lost(session: SwitchSession, steps: Sequence[_Step], refusal: str) -> dict[str, RejectedError]:
    """A device that has nothing to confirm was too slow for its own timer, or somebody else confirmed: a third look
    tells."""
    refuse_if_pending(session)
    now = sections(session)
    return {
        step.key: VerifyError(
            session.target, f"{step.key}: the switch took the change back before it was confirmed ({refusal})"
        )
        for step in steps
        if now[step.key].lines != step.wanted
    }


def _advice(key: str, known: Mapping[str, Section]) -> str:
    return nearest(key, known).partition("; `provision")[0]


SECTION = SectionKind()
