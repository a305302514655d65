"""The private folder of one run of ansible-runner, which is deleted whatever happens.

ansible-runner passes events through files, with the tasks' results in them. So the folder is on a file system in memory
(tmpfs) where there is one, has mode 0700, and is deleted at the end. What a process leaves behind that was killed
(``kill -9``), the next one sweeps.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_log = logging.getLogger(__name__)

PREFIX = "provision-playbook-"


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new private folder for the block. Deleted at its end, with what dead processes of the same user left there."""
    place = _place()
    sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
    # Our children do not inherit it, so nobody has the lock any more when this process is gone.
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        _delete(folder)
        os.close(lock)


def sweep(place: Path) -> None:
    """Delete the private folders in `place` whose processes are dead."""
    for folder in place.glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdecimal() and not Path(f"/proc/{number}").exists() and _is_ours(folder) and _is_left(folder):
            _delete(folder)


def _place() -> Path:
    """A folder in memory that this user may write to, else the folder for temporary files."""
    wanted = (os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{os.getuid()}", "/dev/shm")  # noqa: S108  (0700 below)
    in_memory = _in_memory()
    for name in filter(None, wanted):
        folder = Path(name)
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and _mount_of(folder) in in_memory:
            return folder
    return Path(tempfile.gettempdir())


def _in_memory() -> frozenset[Path]:
    """The mount points of file systems that are kept in memory."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(Path(line.split(" ")[1]) for line in lines if line.split(" ")[2] in {"tmpfs", "ramfs"})


def _mount_of(folder: Path) -> Path:
    real = folder.resolve()
    return next(one for one in (real, *real.parents) if os.path.ismount(one) or one == one.parent)


def _is_ours(folder: Path) -> bool:
    with suppress(OSError):
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return False


def _is_left(folder: Path) -> bool:
    """Whether nobody has its lock: a process of another container may be alive though its number is unknown here."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _delete(folder: Path) -> None:
    """Delete a folder in which a dying process may still write."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
    _log.warning("%s cannot be deleted; delete it, since results of playbooks are in it", folder)
