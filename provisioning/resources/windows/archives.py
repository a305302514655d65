"""Archives of a PC: ``settings.json``, ``data/PROFILE/…`` and, last, ``manifest.json``, in a tar file, gzipped.

With recipients the whole is encrypted with age while it is written (``.age``), so nothing plain of it reaches the disk.
(While it is restored, it is unpacked in a private folder beside the archive.) It can be read without this program:
``age -d -i KEY FILE.tar.gz.age | tar xz``.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from provisioning.connections.tree_entries import BLOCK, GoneError, InUseError
from provisioning.errors import CredentialError, RequestError
from provisioning.resources.windows.user_data_survey import survey
from provisioning.secrets.sealed_files import seal_stream

if TYPE_CHECKING:
    from provisioning.connections.windows import WindowsSession

MANIFEST, SETTINGS, DATA = "manifest.json", "settings.json", "data"
FORMAT = 1


@dataclass(frozen=True)
class Written:
    """What an archive holds, as its ``.json`` beside it says. `left_out` counts files that could not be read."""

    pc: str
    profiles: tuple[str, ...]
    settings: tuple[str, ...]
    left_out: int
    files: int
    octets: int
    sha256: str
    size: int


def write(
    session: WindowsSession, file: Path, profiles: Sequence[str], settings: Sequence[Mapping[str, Any]], sealed: bool
) -> Written:
    """Write an archive and its ``.json``. Raises :class:`RequestError` when it cannot be written here."""
    partial = file.with_name(f"{file.name}.partial")
    recipients = session.inventory.user_data.recipients if sealed else ()
    if sealed and not recipients:
        raise RequestError("the archive must be encrypted, and the site names nobody who could open it; set recipients")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            manifest = _streamed(out, recipients, lambda tar: _fill(tar, session, profiles, settings))
            out.flush()
            os.fsync(out.fileno())
        with partial.open("rb") as done:
            digest = hashlib.file_digest(done, "sha256").hexdigest()
        written = Written(
            pc=session.target.partition(":")[2],
            profiles=tuple(profiles),
            settings=tuple(f"{one['kind']} {one['key']}" for one in settings),
            left_out=sum(len(one["unread"]) for one in manifest["profiles"].values()),
            files=sum(len(one["entries"]) for one in manifest["profiles"].values()),
            octets=sum(entry["size"] for one in manifest["profiles"].values() for entry in one["entries"]),
            sha256=digest,
            size=partial.stat().st_size,
        )
        beside(file).write_text(json.dumps(asdict(written), ensure_ascii=False, indent=1), encoding="utf-8")
        beside(file).chmod(0o600)
        partial.rename(file)
    except OSError as exc:
        raise RequestError(
            f"{file} cannot be written: {exc.strerror or exc}; is the disk full, is it mounted?"
        ) from exc
    finally:
        partial.unlink(missing_ok=True)
    return written


def beside(file: Path) -> Path:
    """The ``.json`` that says what an archive holds."""
    return file.with_name(f"{file.name}.json")


def _streamed(out: IO[bytes], recipients: Sequence[str], fill: Any) -> dict[str, Any]:
    """Fill a tar stream that goes to `out`, through age where there are recipients."""
    if not recipients:
        with _packing(out) as tar:
            return dict(fill(tar))
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def seal() -> None:
        with os.fdopen(reading, "rb") as plain:
            try:
                seal_stream(plain, out, recipients)
            except BaseException as exc:
                failures.append(exc)

    sealer = threading.Thread(target=seal, name="seal")
    sealer.start()
    try:
        with os.fdopen(writing, "wb") as pipe, _packing(pipe) as tar:
            manifest = dict(fill(tar))
    except BrokenPipeError:
        manifest = {}
    finally:
        sealer.join()
    if failures:
        raise failures[0]
    return manifest


@contextlib.contextmanager
def _packing(out: IO[bytes]) -> Iterator[tarfile.TarFile]:
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        yield tar


def _fill(
    tar: tarfile.TarFile, session: WindowsSession, profiles: Sequence[str], settings: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    packed = json.dumps(list(settings), ensure_ascii=False, indent=1).encode()
    manifest: dict[str, Any] = {"format": FORMAT, "pc": session.target.partition(":")[2], "at": int(time.time())}
    manifest["settings_sha256"] = hashlib.sha256(packed).hexdigest()
    _add(tar, SETTINGS, packed)
    manifest["profiles"] = {name: _add_profile(tar, session, name) for name in profiles}
    _add(tar, MANIFEST, json.dumps(manifest, ensure_ascii=False).encode())
    return manifest


def _add_profile(tar: tarfile.TarFile, session: WindowsSession, name: str) -> dict[str, Any]:
    found = survey(session, name)
    tree = session.tree()
    entries: list[dict[str, Any]] = []
    unread: list[str] = []
    for one in found.entries:
        try:
            with tree.reading(f"{found.folder}\\{one.path}") as file:
                exact = _Exact(file, one.size)
                member = tarfile.TarInfo(f"{DATA}/{name}/{one.path.replace(chr(92), '/')}")
                member.size, member.mode = one.size, 0o600
                tar.addfile(member, cast("IO[bytes]", exact))
        except (InUseError, GoneError, CredentialError):
            unread.append(one.path)
            continue
        if exact.is_short:
            unread.append(one.path)
            continue
        sha256 = exact.digest.hexdigest()
        entries.append({"path": one.path, "size": one.size, "written": one.written, "sha256": sha256})
    left = [asdict(one) for one in found.left_out]
    return {"sid": found.sid, "entries": entries, "left_out": left, "unread": unread}


class _Exact:
    """Exactly `size` octets of a file that may grow or shrink meanwhile: cut, or filled with zeros and `is_short`."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()
        self.is_short = False

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left, BLOCK))
        if not block and self._left:
            self.is_short = True
            block = bytes(min(size, self._left))
        self._left -= len(block)
        self.digest.update(block)
        return block


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))
