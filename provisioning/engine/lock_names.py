"""Which locks a batch of changes holds: a device's own, or in the directory those of the accounts that it changes.

A device is worked on by one run at a time. A directory takes many writers: every write changes one entry, whole or not
at all (RFC 4511, section 4.6), and members are added to a group one by one, whoever adds others. What two runs must not
do at once is to read, change and verify the same account. So runs for other accounts go on beside each other; runs for
the same one wait.

Accounts share :data:`SHARDS` locks, so that a run for a thousand people holds no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from zlib import crc32

from provisioning.engine.locks import Held, Locks
from provisioning.resources.base import Change, State

DIRECTORY = "directory"
SHARDS = 256


def lock_names(target: str, changes: Iterable[Change[State]]) -> list[str]:
    """The names of the locks for these changes of a target, in the order in which everybody takes them: two that want
    the same do not wait for each other."""
    if target != DIRECTORY:
        return [target]
    accounts = {name.casefold() for change in changes for name in _accounts(change)}
    return [f"{DIRECTORY} {shard}" for shard in sorted({crc32(name.encode()) % SHARDS for name in accounts})]


def _accounts(change: Change[State]) -> Iterator[str]:
    """The key, and where a login is changed (``directory.login`` knows the account by the person's number) that too."""
    yield change.key
    for state in (change.before, change.after):
        login = getattr(state, "login", None)
        if isinstance(login, str):
            yield login


@contextmanager
def hold_all(locks: Locks, names: Sequence[str], **words: Any) -> Iterator[Held]:
    """Hold all of these locks during the block; `words` are those of :meth:`Locks.hold`, for each. Raises what that
    raises."""
    with ExitStack() as stack:
        held = [stack.enter_context(locks.hold(name, **words)) for name in names]
        yield held[-1]
