"""Archives of a PC, opened again: unpacked into a private folder, and every file compared with the manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from provisioning.connections.tree_entries import BLOCK, Entry, GoneError, LeftOut
from provisioning.errors import ProvisioningError, RequestError, SecretError
from provisioning.resources.windows.archives import DATA, FORMAT, MANIFEST, SETTINGS
from provisioning.resources.windows.user_data_survey import Survey
from provisioning.secrets import Secrets
from provisioning.secrets.sealed_files import open_stream
from provisioning.site import Inventory

_PLAIN = re.compile(r"(?!\.\.?(\\|$))[^\\/:*?\"<>|\x00-\x1f]+(\\(?!\.\.?(\\|$))[^\\/:*?\"<>|\x00-\x1f]+)*")
"""A path below a profile; an archive from elsewhere could name others."""


class Opened:
    """An archive that is unpacked into a private folder."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file = file
        self._folder = folder
        self._places: dict[str, tuple[Path, str]] = {}  # member → where it lies, its SHA-256
        self.settings: list[dict[str, Any]] = []
        self.manifest: dict[str, Any] = {}

    def unpack(self, tar: tarfile.TarFile) -> None:
        """Take every member out, under names of ours: what an archive calls its files leads nowhere. Raises
        :class:`RequestError` when it is not what its manifest says."""
        settings = b"[]"
        for number, member in enumerate(tar):
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if member.name == SETTINGS:
                settings = content.read()
            elif member.name == MANIFEST:
                self.manifest = json.loads(content.read())
            elif member.name.startswith(f"{DATA}/"):
                place = self._folder / str(number)
                digest = hashlib.sha256()
                with place.open("wb") as sink:
                    while block := content.read(BLOCK):
                        digest.update(block)
                        sink.write(block)
                self._places[member.name] = place, digest.hexdigest()
        self._check(hashlib.sha256(settings).hexdigest())
        self.settings = json.loads(settings)

    def _check(self, settings: str) -> None:
        """Everything that the manifest names is there, with its hash, and leads nowhere else."""
        found = self.manifest.get("format")
        if found is None:
            raise RequestError(f"{self.file} is not a whole archive of ours: it has no manifest")
        if found != FORMAT:
            raise RequestError(
                f"{self.file} has format {found!r}; this version reads format {FORMAT}. Restore it with the version "
                "that wrote it, or a newer one"
            )
        if self.manifest["settings_sha256"] != settings:
            raise self._altered(SETTINGS)
        for name, one in self.manifest["profiles"].items():
            for entry in one["entries"]:
                path = str(entry["path"])
                if not _PLAIN.fullmatch(path) or not _PLAIN.fullmatch(name):
                    raise RequestError(f"{self.file} names a file that leads out of the profile: {path!r}")
                if self._member(f"{name}\\{path}")[1] != entry["sha256"]:
                    raise self._altered(path)

    def _altered(self, what: str) -> RequestError:
        return RequestError(
            f"{self.file} was altered or damaged: {what} is not what its manifest says. Nothing was restored; take "
            "another archive"
        )

    def _member(self, path: str) -> tuple[Path | None, str]:
        return self._places.get(f"{DATA}/{path.replace(chr(92), '/')}", (None, ""))

    def profile(self, name: str) -> Survey:
        """What the archive has of a person's data. Raises :class:`RequestError`."""
        known = self.manifest["profiles"]
        if name not in known:
            raise RequestError(f"{self.file} has no data of {name}; it has {', '.join(known) or 'nobody’s'}")
        plain = known[name]
        entries = tuple(Entry(one["path"], one["size"], one["written"]) for one in plain["entries"])
        return Survey(name, plain["sid"], entries, tuple(LeftOut(**one) for one in plain["left_out"]))

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[IO[bytes]]:
        """A file of the data, by ``profile\\path``."""
        place, _ = self._member(path)
        if place is None:
            raise GoneError(path)
        with place.open("rb") as file:
            yield file

    def sha256(self, path: str) -> str:
        """Its hash."""
        with self.reading(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it is a BufferedReader


@contextlib.contextmanager
def opened(file: Path, inventory: Inventory, secrets: Secrets) -> Iterator[Opened]:
    """An archive, unpacked while the block runs. Raises :class:`RequestError` for one that cannot be read, and
    :class:`SecretError` when the site's identity does not open it."""
    with tempfile.TemporaryDirectory(prefix=".opened-", dir=file.parent) as folder:
        archive = Opened(file, Path(folder))
        try:
            with file.open("rb") as raw:
                if file.suffix == ".age":
                    _unseal(raw, archive, inventory, secrets)
                else:
                    with tarfile.open(fileobj=raw, mode="r|gz") as tar:
                        archive.unpack(tar)
        except (
            OSError,
            tarfile.TarError,
            EOFError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            zlib.error,
        ) as exc:
            raise RequestError(f"{file} cannot be read as an archive ({type(exc).__name__}); is it whole?") from exc
        yield archive


def _unseal(raw: IO[bytes], archive: Opened, inventory: Inventory, secrets: Secrets) -> None:
    """Decrypt and unpack at once. Nothing counts before the last octet is proven to be what was encrypted."""
    reference = inventory.user_data.identity
    if reference is None:
        raise SecretError(
            "the archive is encrypted; set user_data.identity to the private key of one of the recipients"
        )
    identity = secrets.resolve(reference)
    reading, writing = os.pipe()
    failures: list[ProvisioningError] = []

    def decrypt() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as plain:
            try:
                open_stream(raw, plain, identity)
            except ProvisioningError as exc:
                failures.append(exc)
            except OSError:  # what pyrage makes of octets that are not those that were encrypted
                failures.append(RequestError(f"{archive.file} was altered or damaged; take another archive"))

    opener = threading.Thread(target=decrypt, name="unseal")
    opener.start()
    try:
        with os.fdopen(reading, "rb") as plain:
            with tarfile.open(fileobj=plain, mode="r|gz") as tar:
                archive.unpack(tar)
            while plain.read(BLOCK):  # what is behind the archive is proven too
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        opener.join()
        if failures:
            raise failures[0] from None
        raise
    finally:
        opener.join()
    if failures:
        raise failures[0]
