"""Accounts that were looked up a moment ago, on one session, for as long as nothing is written there.

An account, its memberships and its mailbox are parts of one entry, and several kinds read it one after the other: a
plan asks for it once, with all that they want (:class:`~provisioning.resources.base.Sharing`). And what a batch was
read for need not be looked up again to change it (:class:`~provisioning.resources.base.Attentive`); what is read after
a change is read anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from provisioning.connections.directory import DirectorySession
    from provisioning.connections.ldap_operations import Entry

_LOGIN, _ATTRIBUTE = "login ", "attribute "  # what questions begin with


@dataclass(frozen=True)
class Known:
    """One look: the logins (casefolded) that were asked for, the attributes, and the entries that there are, by
    login."""

    logins: Collection[str]
    attributes: frozenset[str]
    entries: Mapping[str, Entry]


_LOOKS: WeakKeyDictionary[DirectorySession, list[Known]] = WeakKeyDictionary()
"""By session, which one thread has at a time; only within the blocks below."""


def known(session: DirectorySession, attributes: Iterable[str]) -> Known | None:
    """The look that tells these attributes, if there was one."""
    wanted = frozenset(attributes)
    return next((look for look in _LOOKS.get(session, ()) if wanted <= look.attributes), None) if _LOOKS else None


def remember(session: DirectorySession, look: Known) -> None:
    """Keep what was found, if anybody wants that."""
    if _LOOKS and session in _LOOKS:
        _LOOKS[session].append(look)


def forget(session: DirectorySession) -> None:
    """Something is written: what was found before is of no use."""
    if _LOOKS and session in _LOOKS:
        _LOOKS[session].clear()


@contextmanager
def remembering(session: DirectorySession) -> Iterator[None]:
    """Within the block, accounts that were found are not looked up again until something is written."""
    outer = _LOOKS.get(session)
    _LOOKS[session] = []
    try:
        yield
    finally:
        if outer is None:
            del _LOOKS[session]
        else:
            _LOOKS[session] = outer


class PartOfAccount:
    """What kinds have in common whose things are parts of an account, with the login as key. `attributes` is what their
    reads ask for."""

    attributes: ClassVar[tuple[str, ...]]

    def questions(self, session: DirectorySession, keys: Sequence[str]) -> list[str]:  # noqa: ARG002
        """The logins and the attributes that :meth:`read` asks for."""
        return [*(f"{_LOGIN}{key}" for key in keys), *(f"{_ATTRIBUTE}{name}" for name in self.attributes)]

    @contextmanager
    def ahead(self, session: DirectorySession, questions: Sequence[str]) -> Iterator[None]:
        """Within the block, all that is asked in `questions` is known."""
        from provisioning.resources.directory.attributes import find  # noqa: PLC0415  (it looks here)

        logins = {one.removeprefix(_LOGIN) for one in questions if one.startswith(_LOGIN)}
        attributes = {one.removeprefix(_ATTRIBUTE) for one in questions if one.startswith(_ATTRIBUTE)}
        with remembering(session):
            find(session, sorted(logins), sorted(attributes))
            yield

    @contextmanager
    def attend(self, session: DirectorySession, keys: Sequence[str], *, keeping: bool) -> Iterator[None]:  # noqa: ARG002
        """Within the block, what was read to be compared is known when it is changed."""
        with remembering(session):
            yield
