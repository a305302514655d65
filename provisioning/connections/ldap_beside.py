"""Many searches on two connections. A server works on a connection's requests one after the other, but on those of two
connections at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from provisioning.connections.ldap_messages import Result
from provisioning.connections.ldap_operations import Entry
from provisioning.connections.ldap_pipeline import Pipeline

Found = tuple[list[Entry], Result]
"""What one search found, and how it ended."""


def search_beside(
    pipeline: Pipeline,
    second: Callable[[], AbstractContextManager[Pipeline | None]],
    conditions: Sequence[str],
    attributes: Sequence[str],
    *,
    base: str,
    page: int,
) -> list[Found]:
    """What each condition finds. A `second` connection, for this alone, takes what the first has not taken; where it
    cannot be had (``None``), the first takes all. Raises what :meth:`Pipeline.search` raises on either."""
    left = _Left(conditions)

    def search(on: Pipeline) -> dict[int, Found]:
        mine: list[int] = []
        try:
            found = on.search(left.taken(mine), attributes, base=base, page=page)
        except BaseException:
            left.clear()
            raise
        return dict(zip(mine, found, strict=True))

    def help_out() -> dict[int, Found]:
        with second() as one:
            return {} if one is None else search(one)

    with ThreadPoolExecutor(1, "read beside") as beside:
        helping = beside.submit(help_out)
        found = search(pipeline) | helping.result()
    return [found[number] for number in range(len(conditions))]


class _Left:
    """Conditions that nobody searches by yet, for two threads."""

    def __init__(self, conditions: Iterable[str]) -> None:
        self._conditions = enumerate(conditions)
        self._guard = threading.Lock()

    def taken(self, numbers: list[int]) -> Iterator[str]:
        """The next, one by one; their numbers (counted from 0) go to `numbers`."""
        while True:
            with self._guard:
                number, condition = next(self._conditions, (-1, ""))
            if number < 0:
                return
            numbers.append(number)
            yield condition

    def clear(self) -> None:
        """Nobody needs to search by what is left."""
        with self._guard:
            self._conditions = enumerate(())
