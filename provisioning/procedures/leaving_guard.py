"""What a request of somebody's leaving must find in the directory, or nothing is done: accounts are given to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from provisioning.errors import RequestError
from provisioning.procedures.licences import Seat
from provisioning.resources.base import Address, Change, State
from provisioning.resources.directory.user import User
from provisioning.site import Inventory


@runtime_checkable
class Guarded(Protocol):
    """A request that looks at what was found before it is planned any further."""

    def refuse_found(self, found: Mapping[Address, State | None], changes: Sequence[Change[State]]) -> None:
        """Raises :class:`RequestError` when what was `found` must not be changed so."""
        ...


def refuse_stranger(request: Any, found: Mapping[Address, State | None], changes: Sequence[Change[State]]) -> None:
    """What a :class:`Guarded` request refuses."""
    if isinstance(request, Guarded):
        request.refuse_found(found, changes)


@runtime_checkable
class Seated(Protocol):
    """A request that takes licence seats without installing anything: the software is there already."""

    def seats_again(self, inventory: Inventory) -> tuple[Seat, ...]:
        """The seats."""
        ...


def seats_again(request: Any, inventory: Inventory) -> tuple[Seat, ...]:
    """What a :class:`Seated` request takes."""
    return request.seats_again(inventory) if isinstance(request, Seated) else ()


def account_found(found: Mapping[Address, State | None], login: str, person: str) -> User | None:
    """The account `login` as it was found; ``None`` when the directory was not read.

    Raises :class:`RequestError` when it is gone, or somebody else's by now.
    """
    address = Address("directory.user", "directory", login)
    if address not in found:
        return None
    state = found[address]
    if not isinstance(state, User):
        raise RequestError(f"the account {login} of {person} is gone from the directory; nothing was changed")
    if state.employee_id != person:
        whose = f"of {state.employee_id}" if state.employee_id else "of nobody known (it has no employeeID)"
        raise RequestError(f"the account {login} is {whose} by now, not of {person}; nothing was changed")
    return state
