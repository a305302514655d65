"""Wine prefixes: one template that is made once, and one clone of it a PC.

A clone hard-links the Windows files that nobody writes and copies the rest, which takes a fraction of a
second and 10 MB instead of 10 s and 695 MB. A bare hard-link copy of everything would let the clones write
into each other.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.process import run
from provisioning.lab.windows.refusals import PRETENDED_PROGRAMS

CACHE = Path("/var/cache/provisioning-lab")
"""Kept when a lab goes down: the template prefix, which only depends on the installed Wine."""

_LOADER = Path("/usr/lib/wine/wine64")
_SERVER = Path("/usr/lib/wine/wineserver")
_ALWAYS_THERE = "HKLM\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
"""On Windows, but not in a new Wine prefix."""

_WRITTEN = (".ini", ".log", ".dat", ".inf", ".cmd")
_LAYOUT = 5  # of the template: a higher number than the one on disk makes it anew


def wine_environment(prefix: Path) -> dict[str, str]:
    """The environment of every Wine program of one prefix: no display, no messages, no menus, UTF-8 code
    pages.

    Wine takes its ANSI and OEM code pages from the locale. Hindi is one of the languages that only have
    Unicode, so both are 65001 there and batch files may be UTF-8, as they are on Windows after ``chcp
    65001``; the locale's files are those of C.UTF-8 under that name.
    """
    zone = zone_file(prefix)
    return {
        **({"TZ": zone.read_text(encoding="ascii")} if zone.exists() else {}),
        "HOME": "/nonexistent",
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=;winemenubuilder.exe=d",
        "WINELOADER": str(_LOADER),
        "LOCPATH": str(CACHE / "locale"),
        "LC_ALL": "hi_IN.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


def zone_file(prefix: Path) -> Path:
    """Where the time zone of a PC is kept, as the name of a zone of this machine; the machine's own without it."""
    return prefix / "time-zone"


def wine_command(program: str, *arguments: str) -> list[str]:
    """The words that start a Windows program, named by its full Windows path."""
    return [str(_LOADER), program, *arguments]


def wineserver_command(*arguments: str) -> list[str]:
    """The words that start, or speak to, a prefix's wineserver."""
    return [str(_SERVER), *arguments]


def template() -> Path:
    """The template prefix, made when it is missing or from another Wine (about 10 s).

    Raises :class:`LabError` when Wine is not installed or does not come up.
    """
    if not _LOADER.exists():
        raise LabError("Wine is not installed (package wine64); `make lab-packages` installs what the lab needs")
    version = run([str(_LOADER), "--version"], env={"HOME": "/nonexistent", "WINEDEBUG": "-all"}).stdout.split()[0]
    _locale()
    folder = CACHE / f"{re.sub(r'[^A-Za-z0-9.-]', '_', version)}-layout{_LAYOUT}"
    if folder.exists():
        return folder
    building = CACHE / f"building-{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True, mode=0o755)
    environment = wine_environment(building)
    try:
        run(wine_command("wineboot", "-i"), env=environment, cwd=building, timeout=180)
        run(wine_command("winecfg", "/v", "win10"), env=environment, cwd=building, timeout=60)
        run(wine_command("reg", "add", _ALWAYS_THERE, "/f"), env=environment, cwd=building, timeout=60)
    finally:
        run(wineserver_command("-w"), env=environment, timeout=60, check=False)
        remove_server_folder(building)
    if not (building / "system.reg").exists():
        raise LabError(f"Wine made no prefix in {building}; run wineboot there by hand to see why")
    _strip(building)
    try:
        building.rename(folder)
    except OSError:  # another lab was faster
        shutil.rmtree(building)
    return folder


def clone(source: Path, prefix: Path) -> None:
    """Make `prefix` from the template `source`; it must not exist. On another file system than the cache's, where
    there are no hard links, everything is copied."""
    same_file_system = source.stat().st_dev == prefix.parent.stat().st_dev
    for folder, _, names in os.walk(source):
        target = prefix / Path(folder).relative_to(source)
        target.mkdir(parents=True)
        linked = same_file_system and "/drive_c/windows" in folder
        for name in names:
            path = Path(folder, name)
            if linked and not path.is_symlink() and path.suffix.lower() not in _WRITTEN:
                os.link(path, target / name)
            else:
                shutil.copy2(path, target / name, follow_symlinks=False)
    drives = prefix / "dosdevices"
    drives.mkdir(exist_ok=True)
    for drive in drives.iterdir():
        drive.unlink()
    (drives / "c:").symlink_to("../drive_c")


def boot(prefix: Path, name: str, *, seconds: float = 60.0) -> bool:
    """Let Wine boot the prefix of the computer `name`, whose wineserver runs; whether it came up within `seconds` (it
    takes 0.6 s when nothing else runs).

    The first program in a prefix boots it, and all others wait for that. Is the first one killed meanwhile, the others
    wait for ever (seen with Wine 8: 6 of 6 kills between 0.1 and 0.6 s). So nobody may begin before this has ended.
    Nothing of ours is open in the services that stay behind: they would hold a pipe open as long as they live.
    """
    named = ["unshare", "--uts", "sh", "-c", 'hostname "$1" && shift && exec "$@"', "boot", name]
    process = subprocess.Popen(
        [*named, *wine_command("C:\\windows\\system32\\cmd.exe", "/c", "exit")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **wine_environment(prefix)},
        cwd=prefix,
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def remove_server_folder(prefix: Path) -> None:
    """Remove the socket folder of a wineserver that has ended. Debian's Wine notes its name in
    ``<prefix>/wineserver``."""
    note = prefix / "wineserver"
    if note.exists():
        name = note.read_text().strip()
        if re.fullmatch(r"wine-[A-Za-z0-9]+", name):
            shutil.rmtree(Path("/tmp") / name, ignore_errors=True)  # noqa: S108 - where Debian's wineserver puts it
        note.unlink()


def _strip(prefix: Path) -> None:
    """Take out what must not be in a PC: links into our own file system, and the programs that only
    pretend."""
    for drive in (prefix / "dosdevices").iterdir():
        if drive.name != "c:":
            drive.unlink()
    for program in PRETENDED_PROGRAMS:
        (prefix / "drive_c/windows/system32" / f"{program}.exe").unlink(missing_ok=True)
    for folder, folders, names in os.walk(prefix / "drive_c/users"):
        for path in (Path(folder, name) for name in (*folders, *names)):
            if path.is_symlink():
                path.unlink()
                path.mkdir()
    for folder, _, names in os.walk(prefix / "drive_c/windows"):
        for path in (Path(folder, name) for name in names):
            if path.suffix.lower() not in _WRITTEN and not path.is_symlink():
                path.chmod(0o555)


def _locale() -> None:
    target = CACHE / "locale/hi_IN.utf8"
    if target.exists():
        return
    source = next((p for p in (Path("/usr/lib/locale/C.utf8"), Path("/usr/lib/locale/C.UTF-8")) if p.exists()), None)
    if source is None:
        raise LabError("the locale C.UTF-8 is missing (package libc-bin)")
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f"building-{os.getpid()}")
    shutil.copytree(source, building)
    try:
        building.rename(target)
    except OSError:  # another lab was faster
        shutil.rmtree(building)
