"""What a leaver leaves behind at the desk and on the file server: port, telephone, extension, home folder. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provisioning.procedures.move_phones import vacant_phone
from provisioning.procedures.move_ports import released_port
from provisioning.resources.base import Address, Resource
from provisioning.resources.files.folder import Folder
from provisioning.site import Inventory


@dataclass(frozen=True)
class Home:
    """Where a home folder is: the server's name in the site, and share and path there."""

    server: str
    path: str

    @property
    def target(self) -> str:
        return f"files:{self.server}"


def home_of(inventory: Inventory, home_folder: str | None) -> Home | None:
    """The home folder that an account names (``\\\\files\\homes$\\anna``), where it is one on the site's server for
    home folders."""
    files = inventory.files
    if files is None or files.homes is None or not home_folder:
        return None
    host, share = files.servers[files.homes.server].server.host, files.homes.share
    root = f"\\\\{host}\\{share}\\"
    if not home_folder.casefold().startswith(root.casefold()) or home_folder.endswith("\\"):
        return None
    return Home(files.homes.server, f"{share}\\{home_folder[len(root) :]}")


def archived_home(inventory: Inventory, home: Home, requires: frozenset[Address]) -> Resource:
    """The home folder in the archive, where only administrators get at it."""
    if inventory.files is None:
        raise ValueError("a home folder needs a file server")
    full = f"full {inventory.files.servers[home.server].administrators}"
    state = Folder(access=(full,), inherits=False, archived=True)
    return Resource("files.folder", home.target, home.path, state, requires)


def own_desk(inventory: Inventory, person: str, desk: str | None) -> str | None:
    """`desk`, unless others sit there as well."""
    if desk is None or desk not in inventory.workplaces:
        return None
    others = [
        key for key, one in inventory.people.items() if one.workplace == desk and key != person and one.left is None
    ]
    return None if others else desk


def left_desk(inventory: Inventory, desk: str) -> Iterator[Resource]:
    """The port of a desk that nobody has any more; nothing where no cable lies."""
    port = released_port(inventory, inventory.workplaces[desk].outlet)
    if port is not None:
        yield port


AT_DESK = frozenset({"switch.port", "phones.configuration", "windows.package"})
"""Kinds of what is at a desk, whoever sits there."""


def is_at(inventory: Inventory, desk: str, address: Address) -> bool:
    """Whether a thing of such a kind is the port, the telephone or the PC of this desk."""
    if address.kind == "windows.package":
        return address.target == f"windows:{inventory.workstation_at.get(desk)}"
    return address in {one.address for one in (*left_desk(inventory, desk), *vacant_phone(inventory, desk))}


def silenced(inventory: Inventory, desk: str | None, extensions: Sequence[str]) -> Iterator[Resource]:
    """The extensions without their subscribers; first the desk phone forgets its own."""
    phone = [] if desk is None else list(vacant_phone(inventory, desk))
    yield from phone
    for extension in extensions if inventory.phones is not None else ():
        yield Resource("phones.subscriber", "phones", extension, None, frozenset(r.address for r in phone))
