"""What exit codes of installers mean, in words for people."""

from __future__ import annotations

from collections.abc import Mapping

ALREADY_RUNNING = frozenset({1618, 0x8A150102})
"""ERROR_INSTALL_ALREADY_RUNNING (Windows Installer error messages), and what winget says of it: one installation at a
time on a PC."""

_MSIEXEC: Mapping[int, str] = {
    2: "the package file was not found on the PC",
    112: "the disk of the PC is full",
    1601: "the Windows Installer service could not be reached; is it disabled on this PC?",
    1602: "somebody cancelled the installation",
    1603: "the package itself failed (a fatal error, or a newer version is already there); its log on the PC says more",
    1605: "this product is not installed",
    1612: "the source of the installed product is gone, so it cannot be removed; install that version and try again",
    1618: "another installation is running there; try again when it has finished",
    1619: "the package file could not be opened",
    1620: "the file is not a Windows Installer package",
    1625: "a policy of this PC forbids the installation",
    1627: "the installer could not begin",
    1633: "the package is for another processor type",
    1638: "another version of this product is already installed and the package does not replace it",
    1639: "the installer did not understand its command line; check the package's properties in the catalogue",
}
"""Windows Installer's error codes (Microsoft Learn, "MsiExec.exe and InstMsi.exe error messages")."""

_WINGET: Mapping[int, str] = {
    0x8A15000F: "winget has no data of its source for this account yet; see docs/software.md about winget over WinRM",
    0x8A150011: "the installer that winget fetched does not have the hash of its manifest",
    0x8A150014: "winget knows no package of this id and version",
    0x8A15003A: "a policy of this PC forbids winget",
    0x8A150101: "the program is in use there; close it and try again",
    0x8A150105: "the disk of the PC is full",
    0x8A15010A: "the PC must restart before it can be installed",
    0x8A15010E: "a newer version is already installed",
    0x8A15010F: "a policy of this PC forbids the installation",
}
"""winget-cli, doc/windows/package-manager/winget/returnCodes.md."""

_PLAIN: Mapping[int, str] = {
    5: "access was denied",
    112: "the disk of the PC is full",
    740: "it wants more rights than the account of windows.credential has",
    1223: "somebody cancelled it",
    0xC0000005: "it crashed",
    0xC000013A: "it was ended from outside",
}
"""System Error Codes and NTSTATUS values (MS-ERREF) that setup programs pass on."""


def meaning(program: str, code: int) -> str:
    """What an exit code of msiexec, winget, chocolatey, or of a setup program (exe) says."""
    tables: dict[str, Mapping[int, str]] = {"msiexec": _MSIEXEC, "winget": _WINGET, "chocolatey": _MSIEXEC}
    fallback = {
        "msiexec": "see Microsoft's list of Windows Installer error codes",
        "winget": "see winget's list of return codes",
        "chocolatey": "see chocolatey.log on the PC",
    }.get(program, "see what its vendor says of it; exit_codes in the catalogue names those that mean done")
    return tables.get(program, _PLAIN).get(code, fallback)
