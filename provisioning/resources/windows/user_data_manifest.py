"""The manifest of what was brought into a profile: one JSON file on the new PC that only administrators can read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from provisioning.errors import RejectedError

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession
    from provisioning.connections.windows_tree import SmbTree

_PLACE = r"Windows\System32\config\systemprofile\AppData\Local\provisioning"
"""Only SYSTEM and administrators get in: names of files can tell a lot."""


@dataclass
class Item:
    """One file: `path` below the profile at the source, `to` its place at the new PC, free when the transfer began.
    `sha256` is there once it is proven. `rival` had the name of `path` then; not `ours`: with the same content."""

    path: str
    size: int
    written: int
    to: str = ""
    sha256: str = ""
    rival: bool = False
    ours: bool = True
    gone: bool = False


@dataclass
class Generation:
    """One transfer. `listing`, `files` and `octets` are those of the plan, `items` what was found when it began."""

    source: str
    listing: str
    files: int
    octets: int
    items: list[Item] = field(default_factory=list)
    complete: bool = False
    seconds: float = 0.0


@dataclass
class Manifest:
    """What was brought into a profile. `folder` is the profile below the share."""

    key: str
    folder: str
    generations: list[Generation] = field(default_factory=list)

    @property
    def latest(self) -> Generation | None:
        return self.generations[-1] if self.generations else None


def manifest_path(key: str) -> str:
    """Where the manifest of a profile lies on the new PC, below the share."""
    return f"{_PLACE}\\user-data-{hashlib.sha256(key.casefold().encode()).hexdigest()[:24]}.json"


def load(session: WindowsSession, tree: SmbTree, key: str) -> Manifest | None:
    """The manifest of a profile. Raises :class:`RejectedError` for one that is damaged."""
    content = tree.read(manifest_path(key))
    if content is None:
        return None
    try:
        plain: dict[str, Any] = json.loads(content)
        generations = [
            Generation(**{**one, "items": [Item(**item) for item in one["items"]]}) for one in plain["generations"]
        ]
        manifest = Manifest(plain["key"], plain["folder"], generations)
    except (ValueError, KeyError, TypeError) as exc:
        raise RejectedError(
            session.target, f"the manifest C:\\{manifest_path(key)} is damaged ({type(exc).__name__}); look at it"
        ) from exc
    paths = [manifest.folder, *(path for one in generations for item in one.items for path in (item.path, item.to))]
    if any(".." in path.split("\\") or path.startswith("\\") or ":" in path for path in paths):
        raise RejectedError(session.target, f"the manifest C:\\{manifest_path(key)} leads out of the profile")
    return manifest


def save(tree: SmbTree, manifest: Manifest) -> None:
    """Write the manifest, whole or not at all."""
    tree.write(manifest_path(manifest.key), json.dumps(asdict(manifest), ensure_ascii=False).encode())
