"""A site whose systems are the targets of :mod:`tests.many.far_side`, and the worker on it as a program of its own::

python -m tests.many.office SITE_FOLDER FAR_SIDE_SOCKET WORDS…      (the words are provision's)
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.errors import UnreachableError
from provisioning.procedures.base import Accounts, Work
from provisioning.resources.base import Address, Change, Outcome, Proof, ProofResult, Resource, Sessions, State
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from tests.made_up import known
from tests.many.far_side import FarSession

EXAMPLE = Path(__file__).parent.parent.parent / "inventories" / "example"


class Far(State):
    """Something on a target."""

    colour: str | None = None


class FarKind:
    """`far.thing`: created once, or the far side will tell."""

    name = "far.thing"
    state = Far

    def read(self, session: FarSession, keys: Sequence[str]) -> dict[str, Far]:
        return {key: Far.from_plain(found) for key, found in session.read(list(keys)).items()}

    def apply(self, session: FarSession, changes: Sequence[Change[Far]]) -> list[Outcome]:
        session.create({change.key: change.after.to_plain() for change in changes if change.after is not None})
        return [Outcome(change.key, None) for change in changes]


class FarProof:
    """`far.exists`: the thing is there."""

    name = "far.exists"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        with sessions.session(proof.target) as session:
            there = bool(session.read([proof.parameters["key"]]))
        return ProofResult(proof, there, "it is there" if there else "it is not there")


@dataclass(frozen=True)
class Many:
    """A request: two things on each of `targets`, the later targets after the earlier ones."""

    number: int
    targets: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"things {self.number} on {', '.join(self.targets)}"

    def people(self, inventory: Inventory) -> tuple[str, ...]:
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:
        return {}

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:
        resources: list[Resource] = []
        for target in self.targets:
            before = frozenset({resources[-1].address}) if resources else frozenset[Address]()
            resources += [Resource("far.thing", target, key, Far(colour="blue"), before) for key in self.keys]
        last = self.targets[-1]
        return Work(tuple(resources), (Proof("far.exists", last, f"{self.number} is there", {"key": self.keys[0]}),))

    @property
    def keys(self) -> tuple[str, str]:
        return f"{self.number}a", f"{self.number}b"

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "many", "number": self.number, "targets": list(self.targets)}


@contextmanager
def installed(place: Path) -> Iterator[None]:
    """This process knows the far side during the block."""

    def open_session(target: str, inventory: Inventory, secrets: Secrets) -> FarSession:
        try:
            return FarSession(place, target)
        except OSError as exc:
            raise UnreachableError(target, "nobody answers") from exc

    with known(
        kind=FarKind(),
        proof=FarProof(),
        procedure="many",
        request=lambda plain: Many(plain["number"], tuple(plain["targets"])),
        system="far",
        opener=open_session,
    ):
        yield


def write_site(folder: Path, ledger: str, settings: str = "") -> Path:
    """The example site with another ledger and quick workers."""
    site = folder / "site"
    shutil.copytree(EXAMPLE, site)
    (site / "many.yml").write_text(f"ledger: {ledger}\nworkers: {{{settings}}}\n", encoding="utf-8")
    text = (site / "site.yml").read_text(encoding="utf-8").replace("/var/lib/provisioning-lab/0", str(folder / "lab"))
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("ledger:")]
    (site / "site.yml").write_text("".join(lines), encoding="utf-8")
    return site


if __name__ == "__main__":
    from provisioning.cli import main

    with installed(Path(sys.argv[2])):
        sys.argv[1:] = ["--site", sys.argv[1], *sys.argv[3:]]
        main()
