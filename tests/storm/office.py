"""What the storm provisions: boxes, through the real facade, pool, planner, executor and ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from provisioning.api import Site
from provisioning.errors import ProvisioningError, RejectedError, UnreachableError
from provisioning.procedures.base import Work
from provisioning.resources.base import Address, Change, Outcome, Proof, ProofResult, Resource, Sessions, State
from provisioning.site.ledger import LedgerServer
from provisioning.site.load import load
from provisioning.site.runs import Runs
from tests.made_up import known
from tests.storm.far_side import BoxSession

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"

THING = "storm.thing"
FIELDS = ("colour", "size", "text")
OLD = {"colour": "grey", "size": 1, "text": "before the storm"}


class Thing(State):
    """Something in a box."""

    colour: str | None = None
    size: int | None = None
    text: str | None = None


class ThingKind:
    """Each field is an operation of its own, so a change can be killed half way."""

    name = THING
    state = Thing

    def read(self, session: TargetSession, keys: Sequence[str]) -> dict[str, Thing]:
        found = {key: session.ask("read", key) for key in keys}
        return {key: Thing(**fields) for key, fields in found.items() if fields is not None}

    def apply(self, session: TargetSession, changes: Sequence[Change[Thing]]) -> list[Outcome]:
        return [Outcome(change.key, self._apply(session, change)) for change in changes]

    def _apply(self, session: TargetSession, change: Change[Thing]) -> ProvisioningError | None:
        if change.after is None:
            answers = [session.ask("delete", change.key)]
        else:
            answers = [] if change.before is not None else [session.ask("create", change.key)]
            for field, (_, new) in change.differences().items():
                answers.append(session.ask("set", change.key, field, new))
        wrong = [answer for answer in answers if answer != "done"]
        return RejectedError(session.target, f"{change.key}: {wrong[0]}") if wrong else None


class TargetSession:
    """A session to one box that raises our errors."""

    def __init__(self, target: str, folder: Path) -> None:
        self.target = target
        try:
            self._box = BoxSession(folder, target.partition(":")[2])
        except OSError as exc:
            raise UnreachableError(target, f"it is off ({type(exc).__name__})") from exc

    def ask(self, operation: str, key: str, field: str | None = None, value: Any = None) -> Any:
        try:
            return self._box.ask(operation, key, field, value)
        except OSError as exc:
            raise UnreachableError(self.target, f"the connection broke ({type(exc).__name__})") from exc

    def close(self) -> None:
        self._box.close()


class ThereProof:
    """Passes when a thing is there."""

    name = "storm.there"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        for again in (True, True, True, False):
            try:
                with sessions.session(proof.target) as session:
                    there = session.ask("read", proof.parameters["key"]) is not None
                return ProofResult(proof, there, "it is there" if there else "it is not there")
            except UnreachableError:
                if not again:
                    raise
        raise AssertionError


@dataclass(frozen=True)
class Gale:
    """One request of the storm: on every box one thing is created, one changed, one deleted; most wait for others."""

    lane: int
    round: int
    boxes: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"lane {self.lane}, round {self.round}"

    def key(self, what: str) -> str:
        return f"{what}-{self.lane}"

    def people(self, _: object) -> tuple[str, ...]:
        return ()

    def desks(self, _: object) -> dict[str, str | None]:
        return {}

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "storm", "lane": self.lane, "round": self.round, "boxes": list(self.boxes)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Gale:
        return cls(plain["lane"], plain["round"], tuple(plain["boxes"]))

    def wanted(self) -> dict[str, dict[str, Any] | None]:
        """What every box holds afterwards."""
        new = {"colour": "blue", "size": 100 + self.round, "text": f"round {self.round}"}
        return {self.key("new"): new, self.key("old"): {**OLD, "size": 2 + self.round}, self.key("gone"): None}

    def before(self) -> dict[str, dict[str, Any] | None]:
        """What every box holds before, and after it was taken back."""
        return {self.key("new"): None, self.key("old"): dict(OLD), self.key("gone"): dict(OLD)}

    def operations(self, *, back: bool) -> dict[tuple[str, str, str | None], int]:
        """How often each operation may be done on every box, forward or back."""
        made, gone = (self.key("gone"), self.key("new")) if back else (self.key("new"), self.key("gone"))
        once = {("create", made, None): 1, ("delete", gone, None): 1, ("set", self.key("old"), "size"): 1}
        return once | {("set", made, field): 1 for field in FIELDS}

    def compile(self, *_: object) -> Work:
        resources = []
        for number, box in enumerate(self.boxes):
            target = f"box:{box}"
            above = f"box:{self.boxes[number // 4]}"
            new = Address(THING, target, self.key("new"))
            waits = frozenset({Address(THING, above, self.key("new"))}) if number // 4 != number else frozenset()
            for key, fields in self.wanted().items():
                desired = None if fields is None else Thing(**fields)
                requires = waits if key == new.key else frozenset({new})
                resources.append(Resource(THING, target, key, desired, requires))
        proofs = [
            Proof("storm.there", f"box:{box}", f"{box} has it", {"key": self.key("new")}) for box in self.boxes[:3]
        ]
        return Work(tuple(resources), tuple(proofs))


@contextmanager
def installed(boxes: Path) -> Iterator[None]:
    """Boxes can be provisioned during the block, in this process and in those that it forks."""

    def open_session(target: str, *_: object) -> TargetSession:
        return TargetSession(target, boxes)

    with known(
        kind=ThingKind(),
        proof=ThereProof(),
        procedure="storm",
        request=Gale.from_plain,
        system="box",
        opener=open_session,
    ):
        yield


def site_with(ledger: Path | LedgerServer) -> Site:
    """The example site with another ledger, in a hurry."""
    quick = timedelta(seconds=0.05)
    runs = Runs(backoff=quick, longest_wait=quick * 4)
    return Site(load(EXAMPLE).model_copy(update={"ledger": ledger, "runs": runs}))
