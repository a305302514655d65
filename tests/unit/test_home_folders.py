"""Home folders: what onboarding asks for, and what the kind refuses, on a server that is made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioning.connections.directory import Entry
from provisioning.connections.files import FilesSession
from provisioning.connections.security_descriptors import ALLOW, DENY, Ace, Descriptor, sid_bytes
from provisioning.errors import RejectedError
from provisioning.procedures.base import Accounts
from provisioning.procedures.onboard import onboard
from provisioning.procedures.ownership import owners
from provisioning.resources.base import Address, Change
from provisioning.resources.directory.user import User
from provisioning.resources.files.folder import FOLDER, Folder
from provisioning.site import Inventory
from provisioning.site.load import load
from tests.conftest import EXAMPLE

KEY = "homes$\\anna"
SIDS = {"anna": "S-1-5-21-1-2-3-1107", "bo": "S-1-5-21-1-2-3-1108", "File-Admins": "S-1-5-21-1-2-3-1109"}
HERS = Folder(owner="anna", access=("full anna", "full File-Admins"), inherits=False, archived=False)


@dataclass
class MadeUp:
    """A file server: path → descriptor, and what was done in order."""

    folders: dict[str, Descriptor] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    target: str = "files:files"
    server: Any = field(default_factory=lambda: SimpleNamespace(administrators="File-Admins", archive="Archive"))

    def directory(self) -> Any:
        def search(condition: str, _: object) -> list[Entry]:
            return [
                Entry(name, {"samaccountname": (name.encode(),), "objectsid": (sid_bytes(sid),)})
                for name, sid in SIDS.items()
                if f"={name})" in condition or f"={sid})" in condition
            ]

        return SimpleNamespace(search=search)

    def descriptor(self, path: str) -> Descriptor | None:
        return self.folders.get(path)

    def make(self, path: str, descriptor: Descriptor) -> None:
        self.done.append(f"make {path}")
        self.folders[path] = descriptor

    def make_all(self, path: str, descriptor: Descriptor) -> None:
        self.folders.setdefault(path, descriptor)

    def protect(self, path: str, descriptor: Descriptor) -> None:
        self.done.append(f"protect {path}")
        old = self.folders[path]
        aces = old.aces if descriptor.aces is None else descriptor.aces
        inherits = old.inherits if descriptor.aces is None else descriptor.inherits
        self.folders[path] = Descriptor(descriptor.owner or old.owner, aces, inherits)

    def move(self, path: str, to: str) -> None:
        self.done.append(f"move {path} to {to}")
        self.folders[to] = self.folders.pop(path)

    def remove(self, path: str) -> None:
        self.done.append(f"remove {path}")
        del self.folders[path]


def applied(server: MadeUp, before: Folder | None, after: Folder | None) -> str | None:
    change = Change(Address("files.folder", "files:files", KEY), before, after)
    (outcome,) = FOLDER.apply(cast(FilesSession, server), [change])
    return None if outcome.error is None else str(outcome.error)


def seen(server: MadeUp) -> Folder | None:
    return FOLDER.read(cast(FilesSession, server), [KEY]).get(KEY)


def test_a_folder_is_made_with_sids_and_read_with_names() -> None:
    server = MadeUp()
    assert applied(server, None, HERS) is None
    full = (Ace(ALLOW, 3, 0x1F01FF, SIDS["anna"]), Ace(ALLOW, 3, 0x1F01FF, SIDS["File-Admins"]))
    assert server.folders == {KEY: Descriptor(SIDS["anna"], full, inherits=False)}
    assert seen(server) == HERS
    assert applied(server, HERS, None) is None
    assert server.done == [f"make {KEY}", f"remove {KEY}"]


def test_what_somebody_set_by_hand_comes_back() -> None:
    by_hand = (
        Ace(DENY, 0, 0x10000, SIDS["bo"]),
        Ace(ALLOW, 0x13, 0x1200A9, "S-1-1-0"),
        Ace(8, 0, 0, "", b"\x08\0\4\0"),
    )
    server = MadeUp({KEY: Descriptor("S-1-5-32-544", by_hand, inherits=True)})
    found = seen(server)
    assert found == Folder(
        owner="S-1-5-32-544",
        access=("deny 0x00010000 flags 0x00 bo", "allow 0x001200a9 flags 0x13 S-1-1-0", "ace 08000400"),
        inherits=True,
        archived=False,
    )
    assert applied(server, found, HERS) is None
    assert seen(server) == HERS
    assert applied(server, HERS, found) is None
    restored = server.folders[KEY]
    assert (restored.owner, restored.inherits) == ("S-1-5-32-544", True)
    assert [ace.raw or ace for ace in restored.aces or ()] == [*by_hand[:2], b"\x08\0\4\0"]


def test_an_archived_folder_is_closed_before_it_moves_and_opened_after_it_is_back() -> None:
    server = MadeUp()
    applied(server, None, HERS)
    stored = "homes$\\Archive\\anna"
    leaving = Folder(access=("full File-Admins",), archived=True)
    assert applied(server, leaving.view_of(HERS), leaving) is None
    assert seen(server) == Folder(owner="anna", access=("full File-Admins",), inherits=False, archived=True)
    assert applied(server, leaving, leaving.view_of(HERS)) is None
    assert seen(server) == HERS
    assert server.done[1:] == [
        f"protect {KEY}", f"move {KEY} to {stored}", f"move {stored} to {KEY}", f"protect {KEY}",
    ]  # fmt: skip


def test_nobody_gets_the_archived_folder_of_a_former_colleague() -> None:
    former = Descriptor("S-1-5-21-1-2-3-500", (), inherits=False)
    server = MadeUp({"homes$\\Archive\\anna": former})
    found = seen(server)
    assert found is not None
    assert found.archived
    error = applied(server, found, HERS)
    assert error is not None
    assert error.startswith("files:files: the archive has a folder of somebody else who was called anna")
    assert server.folders == {"homes$\\Archive\\anna": former}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (HERS.model_copy(update={"owner": "nobody"}), "the directory has no account or group 'nobody'; make it first"),
        (HERS.model_copy(update={"archived": True}), "is not there, so it cannot be archived"),
        (HERS.model_copy(update={"access": None}), "a folder without an access list is open to all; name one"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_touched(after: Folder, said: str) -> None:
    server = MadeUp()
    assert said in str(applied(server, None, after))
    assert server.done == []


def test_an_entry_that_is_none_is_refused_in_the_state() -> None:
    with pytest.raises(ValueError, match="'everything anna' is not an entry of an access list"):
        Folder(access=("everything anna",))


# -- onboarding --------------------------------------------------------------------------------------------------------


def test_a_joiner_gets_a_home_and_the_share_of_the_department() -> None:
    inventory = load(EXAMPLE)
    work = onboard("E1042").compile(inventory, Accounts())
    folders = {r.key: r for r in work.resources if r.kind == "files.folder"}
    home, sales = folders["homes$\\anna.petrova"], folders["departments\\Sales"]
    assert home.desired == Folder(
        owner="anna.petrova", access=("full anna.petrova", "full File-Admins"), inherits=False, archived=False
    )
    assert home.requires == {Address("directory.user", "directory", "anna.petrova")}
    assert sales.desired == Folder(
        owner="S-1-5-32-544", access=("change Sales", "full File-Admins"), inherits=False, archived=False
    )
    (user,) = (r.desired for r in work.resources if r.kind == "directory.user")
    assert isinstance(user, User)
    assert (user.home_folder, user.home_drive) == ("\\\\dc1.corp.example\\homes$\\anna.petrova", "H:")
    visits = {(p.parameters["login"], p.parameters["path"], p.parameters["admitted"]) for p in work.proofs
              if p.kind == "files.visit"}  # fmt: skip
    assert visits == {
        ("anna.petrova", home.key, True), ("svc-check", home.key, False),
        ("anna.petrova", sales.key, True), ("svc-check", sales.key, False),
    }  # fmt: skip
    whose = owners(inventory, onboard("E1042"), [(r.address, r.desired) for r in work.resources])
    assert whose[home.address] == "E1042"
    assert sales.address not in whose


def without_check(inventory: Inventory) -> Inventory:
    assert inventory.files is not None
    server = inventory.files.servers["files"].model_copy(update={"check": None})
    return inventory.model_copy(update={"files": inventory.files.model_copy(update={"servers": {"files": server}})})


def test_a_plan_says_that_nothing_is_tested() -> None:
    work = onboard("E1042").compile(without_check(load(EXAMPLE)), Accounts())
    assert not [proof for proof in work.proofs if proof.kind == "files.visit"]
    assert (
        "nobody tests who gets into folders on files: the site has no check there (files: servers: files: check)"
        in (work.warnings)
    )


def test_a_site_without_file_servers_is_as_before() -> None:
    inventory = load(EXAMPLE)
    profiles = {name: p.model_copy(update={"shares": ()}) for name, p in inventory.profiles.items()}
    work = onboard("E1042").compile(inventory.model_copy(update={"files": None, "profiles": profiles}), Accounts())
    assert not [r for r in work.resources if r.kind.startswith("files.")]
    (user,) = (r.desired for r in work.resources if r.kind == "directory.user")
    assert user is not None
    assert "home_folder" not in user.managed()


def test_a_refusal_of_one_folder_is_not_that_of_the_others() -> None:
    class Grumpy(MadeUp):
        def make(self, path: str, descriptor: Descriptor) -> None:
            if path.endswith("anna"):
                raise RejectedError(self.target, "no")
            super().make(path, descriptor)

    server = Grumpy()
    changes = [Change(Address("files.folder", "files:files", key), None, HERS) for key in (KEY, "homes$\\bo")]
    outcomes = FOLDER.apply(cast(FilesSession, server), changes)
    assert [outcome.error is None for outcome in outcomes] == [False, True]
