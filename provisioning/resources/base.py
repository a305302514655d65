"""The four words: State, Resource, Kind, Change (and Proof, which is not a state).

A :class:`State` holds the attributes of one thing that we manage. A :class:`Resource` says where such a thing is and
what it should be. A :class:`Kind` reads and applies states of one sort on one open session. A :class:`Change` is a pair
``before → after``; create, update, delete, the diff that is shown, check mode and undo all follow from it.

Three rules make one comparison serve every kind:

* a field that is not set is not managed; a field set to ``None`` must be empty;
* a field that holds a mapping is managed entry by entry: entries that are not named are not managed, an entry that
  is ``None`` must be absent;
* a thing that cannot be created or deleted on its own (a switch port, the memberships of a user) is never absent: its
  kind reads an empty state for it, also when its owner does not exist yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, Self, TypeVar, cast, runtime_checkable

from pydantic import BaseModel, ConfigDict

from provisioning.errors import ProvisioningError

Action = Literal["create", "update", "delete"]


class State(BaseModel):
    """The managed attributes of one thing. Frozen; equality is by managed fields.

    Subclasses name in `ignore_case` the fields whose text the system compares without regard to case (DNs, mail
    addresses, registry names).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    ignore_case: ClassVar[frozenset[str]] = frozenset()

    def view_of(self, actual: Self) -> Self:
        """What `actual` says about the fields (and mapping entries) that this state manages, and nothing else."""
        seen: dict[str, Any] = {}
        for name in (*self.managed(), *self.lost_of(actual)):
            wanted, found = getattr(self, name), getattr(actual, name)
            if isinstance(wanted, Mapping):
                found = {entry: (found or {}).get(entry) for entry in wanted}
            seen[name] = found
        return cast(Self, self.model_construct(_fields_set=set(seen), **seen))

    def lost_of(self, actual: Self) -> Sequence[str]:  # noqa: ARG002  (for those that lose something)
        """Fields that nobody manages here and that a thing like `actual` loses on the way to this state: what they were
        belongs to such a change, so that it can be taken back."""
        return ()

    def agrees_with(self, actual: Self) -> bool:
        """Whether `actual` already is what this state asks for."""
        return not self.differences(actual)

    def differences(self, actual: Self | None) -> dict[str, tuple[Any, Any]]:
        """``{field: (found, wanted)}`` for the managed fields that differ; mapping entries appear as
        ``field[entry]``."""
        found: dict[str, tuple[Any, Any]] = {}
        view = actual
        if actual is not None and type(self).view_of is not State.view_of:  # else it would be a mere copy
            view = self.view_of(actual)
        for name in self.managed():
            wanted, seen = getattr(self, name), None if view is None else getattr(view, name)
            if wanted == seen:  # most are, when there is little to do
                continue
            if not isinstance(wanted, _PLAIN) and isinstance(wanted, Mapping):
                for entry, value in wanted.items():
                    old = None if seen is None else seen.get(entry)
                    if not self._same(name, old, value):
                        found[f"{name}[{entry}]"] = (old, value)
            elif not self._same(name, seen, wanted):
                found[name] = (seen, wanted)
        return found

    def managed(self) -> list[str]:
        """Names of the fields that are set, in the order of the model."""
        are_set = self.model_fields_set  # a property, and slower than all the rest
        return [name for name in type(self).model_fields if name in are_set]

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form that :meth:`from_plain` reads back, holding only what is managed."""
        return self.model_dump(mode="json", exclude_unset=True)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The state that :meth:`to_plain` wrote."""
        return cls.model_validate(dict(plain))

    @classmethod
    def _same(cls, name: str, one: Any, other: Any) -> bool:
        if name in cls.ignore_case:
            return bool(_folded(one) == _folded(other))
        return bool(one == other)


_PLAIN = (str, int, type(None))
"""What most fields hold: asking whether that is a mapping takes longer than comparing it."""


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(_folded(item) for item in value)
    return value


S = TypeVar("S", bound=State)
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)


class Address(NamedTuple):
    """Where a resource is: its kind, its target (one session) and its key there. Prints as ``kind[target/key]``."""

    kind: str
    target: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}[{self.target}/{self.key}]"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing as it should be (`desired` is ``None`` where it should not exist), and the addresses it requires."""

    kind: str
    target: str
    key: str
    desired: State | None
    requires: frozenset[Address] = frozenset()
    address: Address = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", tuple.__new__(Address, (self.kind, self.target, self.key)))

    def __hash__(self) -> int:
        return hash(self.address)


@dataclass(frozen=True)
class Change(Generic[S]):
    """One thing's way from `before` to `after`; at least one of them is not ``None``."""

    address: Address
    before: S | None
    after: S | None
    requires: frozenset[Address] = field(default=frozenset(), compare=False)

    @property
    def key(self) -> str:
        return self.address.key

    @property
    def target(self) -> str:
        return self.address.target

    @property
    def shape(self) -> S:
        """The state that tells which fields this change is about: `after`, for a deletion `before`."""
        state = self.before if self.after is None else self.after
        if state is None:
            raise ValueError(f"{self.address}: a change needs a state before or after")
        return state

    @property
    def action(self) -> Action:
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "update"

    def inverse(self) -> Change[S]:
        """The same change turned round. What it requires is the business of whoever orders the inverses."""
        return replace(self, before=self.after, after=self.before, requires=frozenset())

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """``{field: (old, new)}``, for people; for a deletion every managed field goes to ``None``."""
        if self.after is not None:
            return self.after.differences(self.before)
        return {name: (getattr(self.shape, name), None) for name in self.shape.managed()}

    def done_in(self, actual: S | None) -> bool:
        """Whether a fresh read shows `after`."""
        if self.after is None or actual is None:
            return self.after is None and actual is None
        return self.after.agrees_with(actual)

    def not_begun_in(self, actual: S | None) -> bool:
        """Whether a fresh read still shows `before`."""
        if self.before is None or actual is None:
            return self.before is None and actual is None
        return self.before.agrees_with(actual)


@dataclass(frozen=True)
class Outcome:
    """What became of one change inside a batch, as its kind saw it (the engine verifies by a second read)."""

    key: str
    error: ProvisioningError | None = None


class Kind(Protocol[S, SessionT_contra]):
    """The code for one sort of thing. Both methods take a batch; one is a batch of one.

    `read` leaves out keys that do not exist. `apply` tries every change of the batch as far as it safely can and
    returns one outcome a change; it raises only when the session as a whole is lost.
    """

    @property
    def name(self) -> str: ...

    @property
    def state(self) -> type[S]: ...

    def read(self, session: SessionT_contra, keys: Sequence[str]) -> dict[str, S]: ...

    def apply(self, session: SessionT_contra, changes: Sequence[Change[S]]) -> list[Outcome]: ...


@runtime_checkable
class Finishing(Protocol):
    """A kind whose `apply` does more than a read can show (a switch saves its configuration at the end).

    When the process was killed in `apply` and the changes read as done afterwards, `finish` does that rest. Doing it
    twice must be harmless.
    """

    def finish(self, session: Any, changes: Sequence[Change[Any]]) -> None: ...


@runtime_checkable
class Unsettled(Protocol):
    """A kind whose thing may be as it should be before a run, and is upset by the very changes that it requires (a PC
    must restart after packages were installed).

    Where one of those is planned, a change of this thing is planned as well, from what `unsettled` says may be left
    behind. It is done if a read shows the need when its turn comes. Taking a run back does not turn it round: it is
    done again, last of all.
    """

    def unsettled(self, state: Any) -> Any: ...


@runtime_checkable
class Irreversible(Protocol):
    """A kind that makes changes of which something stays, whatever undo does (an account's password is replaced).

    `lasting` says in one sentence what stays of `change` when it is made together with `others`; ``None``: nothing.
    The plan shows it, and so does the plan of the undo.
    """

    def lasting(self, change: Any, others: Sequence[Change[Any]]) -> str | None: ...


@dataclass(frozen=True)
class Keepsake:
    """The whole configuration of a device, as it prints it. It holds secrets: it is for the archive alone, which masks
    them (`dialect` says where they are)."""

    name: str
    dialect: str
    text: str = field(repr=False)


@runtime_checkable
class Keeping(Protocol):
    """A kind of device whose whole configuration is kept in the archive before a run changes anything there."""

    def keepsake(self, session: Any) -> Keepsake: ...


@runtime_checkable
class Attentive(Protocol):
    """A kind whose reads cost a round trip each: it asks for several things at once when it knows what is to come.

    Within the block one batch of changes of `keys` is at work: a read, the keepsake (if it is to be kept), `apply`, a
    read. Each of them still tells what the device says then; an answer stands until something is sent.
    """

    def attend(self, session: Any, keys: Sequence[str], *, keeping: bool) -> AbstractContextManager[None]: ...


@runtime_checkable
class Typed(Protocol):
    """A kind whose changes are lines that are typed on a device, so that a plan can show the very lines.

    `lines` raises :class:`~provisioning.errors.RequestError` for what the device cannot be told.
    """

    def lines(self, inventory: Any, change: Change[Any]) -> Sequence[str]: ...


@runtime_checkable
class Sharing(Protocol):
    """A kind whose reads ask what those of other kinds on the same target ask as well: keys of a PC's registry. Where
    several kinds are read one after the other, `ahead` asks all their `questions` at once, and within its block their
    reads need not ask again.
    """

    def questions(self, session: Any, keys: Sequence[str]) -> Sequence[str]: ...

    def ahead(self, session: Any, questions: Sequence[str]) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """A functional check to be run after apply and on demand: plain data, run by the kind of proof that `kind`
    names."""

    kind: str
    target: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.kind, self.target, self.name))  # the parameters tell apart what has the same name


@dataclass(frozen=True)
class ProofResult:
    """Whether a proof holds, with one sentence of evidence (or of what went wrong and what to look at)."""

    proof: Proof
    passed: bool
    detail: str


class Sessions(Protocol):
    """What a proof may ask for: ``with sessions.session(target) as session`` (see ``connections.pool``)."""

    def session(self, target: str) -> AbstractContextManager[Any]: ...


class ProofKind(Protocol):
    """The code for one sort of proof. It returns a result for every answer a system may give, and raises only
    :class:`~provisioning.errors.ProvisioningError` (which counts as not passed, with its message as the detail)."""

    @property
    def name(self) -> str: ...

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult: ...


@runtime_checkable
class Aloof(Protocol):
    """A sort of proof on which changes of some systems (``windows``) have no bearing, whatever they are. It may be run
    while those are still under way, once all others are done."""

    @property
    def aloof_from(self) -> frozenset[str]: ...


@runtime_checkable
class Gathering(Protocol):
    """A sort of proof of which several on one target are checked by asking once. Raises what `check` raises; none of
    them passed then."""

    def check_all(self, sessions: Sessions, proofs: Sequence[Proof]) -> Sequence[ProofResult]: ...
