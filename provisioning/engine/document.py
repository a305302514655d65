"""The plan as a document: what ``--output json`` prints and ``provision apply FILE`` reads back.

The JSON schema in ``docs/plan.schema.json`` is generated from :class:`PlanDocument`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from provisioning.ledger import Amendment, Books, CustodyTransfer
from provisioning.resources.base import Address, Change, Proof, State
from provisioning.resources.registry import KINDS


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChangeDocument(_Document):
    """One change. `before` and `after` hold only the managed attributes; null means that the thing does not exist."""

    kind: str
    target: str
    key: str
    action: Literal["create", "update", "delete"]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    requires: list[tuple[str, str, str]] = Field(description="addresses (kind, target, key) that must be done before")
    lines: list[str] = Field(default_factory=list, description="what is typed on the device, for kinds that type")


class ProofDocument(_Document):
    """One check that runs after apply."""

    kind: str
    target: str
    name: str
    parameters: dict[str, Any]


class AmendmentDocument(_Document):
    """From now on the thing `key` of a section of the site has `value` in `field`; `was` is what the files say."""

    section: Literal["people", "workstations", "equipment"]
    key: str
    field: str
    was: str | None
    value: str | None


class CustodyDocument(_Document):
    """An asset that goes to a person, or to ``store``, ``repair`` or ``scrap``."""

    asset: str
    to: str
    document: str | None = None
    note: str | None = None


class BooksDocument(_Document):
    """What is written down with a run beside its changes."""

    amendments: list[AmendmentDocument] = Field(default_factory=list)
    custody: list[CustodyDocument] = Field(default_factory=list)
    reserved: dict[str, str] = Field(
        default_factory=dict, description="login or mail address that was somebody's → that person"
    )


class PlanDocument(_Document):
    """A plan: nothing in it is secret."""

    format: Literal[1] = 1
    title: str
    request: dict[str, Any]
    changes: list[ChangeDocument]
    proofs: list[ProofDocument]
    warnings: list[str]
    unread: dict[str, str] = Field(description="targets that could not be read, with the reason")
    counts: dict[Literal["create", "update", "delete", "unchanged"], int]
    books: BooksDocument = BooksDocument()


def change_document(change: Change[State], lines: Sequence[str] = ()) -> ChangeDocument:
    """The document form of one change."""
    return ChangeDocument(
        kind=change.address.kind,
        target=change.target,
        key=change.key,
        action=change.action,
        before=None if change.before is None else change.before.to_plain(),
        after=None if change.after is None else change.after.to_plain(),
        requires=sorted((a.kind, a.target, a.key) for a in change.requires),
        lines=list(lines),
    )


def read_change(document: ChangeDocument) -> Change[State]:
    """The change that :func:`change_document` described. Raises pydantic's ValidationError for a state that is none."""
    model = KINDS[document.kind].state
    return Change(
        Address(document.kind, document.target, document.key),
        None if document.before is None else model.from_plain(document.before),
        None if document.after is None else model.from_plain(document.after),
        frozenset(Address(*words) for words in document.requires),
    )


def proof_documents(proofs: Sequence[Proof]) -> list[ProofDocument]:
    """The document form of proofs."""
    return [ProofDocument(kind=p.kind, target=p.target, name=p.name, parameters=dict(p.parameters)) for p in proofs]


def read_proof(document: ProofDocument) -> Proof:
    """The proof that :func:`proof_documents` described."""
    return Proof(document.kind, document.target, document.name, document.parameters)


def counts(
    changes: Sequence[Change[State]], resources: int
) -> Mapping[Literal["create", "update", "delete", "unchanged"], int]:
    """How many changes of each sort there are, and how many of `resources` things stay as they are."""
    number = {action: sum(c.action == action for c in changes) for action in ("create", "update", "delete")}
    return {**number, "unchanged": resources - len(changes)}  # type: ignore[dict-item,unused-ignore]


def books_document(books: Books) -> BooksDocument:
    """The document form of what is written down with a run."""
    return BooksDocument(
        amendments=[AmendmentDocument(**vars(one), was=was) for one, was in books.amendments],
        custody=[CustodyDocument(**vars(one)) for one in books.custody],
        reserved=dict(books.reserved),
    )


def read_books(document: BooksDocument) -> Books:
    """What :func:`books_document` described."""
    return Books(
        tuple((Amendment(one.section, one.key, one.field, one.value), one.was) for one in document.amendments),
        tuple(CustodyTransfer(**one.model_dump()) for one in document.custody),
        document.reserved,
    )
