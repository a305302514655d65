"""The version that a program file carries: VS_FIXEDFILEINFO in the VERSIONINFO resource of a PE file.

Sources: Microsoft Learn, "PE Format" (headers, sections, the .rsrc section) and "VS_FIXEDFILEINFO structure". Numbers
in it are the same in every language, unlike the texts beside it. Files come from PCs: every offset is checked, and of
a file of any size only its headers and the way to this resource are read.
"""

from __future__ import annotations

import struct
from typing import Protocol

_RT_VERSION = 16
_SIGNATURE = 0xFEEF04BD
_SUBDIRECTORY = 0x80000000
_MOST_ENTRIES = 4096
_LONGEST = 64 * 1024  # octets of a VERSIONINFO resource; its lengths are 16-bit numbers


class NotProgramError(Exception):
    """A file is no program of Windows, or a damaged one."""


class Seekable(Protocol):
    """What a program file is read through."""

    def seek(self, offset: int, /) -> object: ...

    def read(self, size: int, /) -> bytes: ...


def file_version(program: Seekable) -> str | None:
    """``4.2.0.17``, ``None`` for a program that carries no version. Raises :class:`NotProgramError` for what is no
    PE file."""
    if _octets(program, 0, 2) != b"MZ":
        raise NotProgramError("not a program file (no MZ)")
    (pe,) = _unpacked(program, "<I", 0x3C)
    if _octets(program, pe, 4) != b"PE\0\0":
        raise NotProgramError("not a Windows program file (no PE header)")
    sections, size = _unpacked(program, "<H12xH", pe + 6)
    optional = pe + 24
    (magic,) = _unpacked(program, "<H", optional)
    directories = optional + {0x10B: 96, 0x20B: 112}.get(magic, 0)
    if directories == optional:
        raise NotProgramError(f"not a program for Windows (optional header {magic:#x})")
    (count,) = _unpacked(program, "<I", directories - 4)
    if count < 3:  # the third directory is that of the resources
        return None
    (resources,) = _unpacked(program, "<I", directories + 16)
    if not resources:
        return None
    whole = _octets(program, optional + size, 40 * sections)
    table = [struct.unpack_from("<IIII", whole, 40 * i + 8) for i in range(sections)]
    root = _offset(table, resources)
    leaf = _first(program, root, _entry(program, root, 0, _RT_VERSION))
    if leaf is None:
        return None
    address, length = _unpacked(program, "<II", leaf)
    block = _octets(program, _offset(table, address), min(length, _LONGEST))
    at = block.find(struct.pack("<I", _SIGNATURE))
    if at < 0 or at + 16 > len(block):
        return None
    high, low = struct.unpack_from("<II", block, at + 8)
    return ".".join(str(part) for part in (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF))


def _octets(program: Seekable, offset: int, size: int) -> bytes:
    """Exactly `size` octets. Raises :class:`NotProgramError` where the file ends before."""
    program.seek(offset)
    found = program.read(size)
    if len(found) != size:
        raise NotProgramError("the program file ends before its headers say")
    return found


def _unpacked(program: Seekable, form: str, offset: int) -> tuple[int, ...]:
    return struct.unpack(form, _octets(program, offset, struct.calcsize(form)))


def _offset(table: list[tuple[int, ...]], address: int) -> int:
    """Where in the file an address of the loaded program lies."""
    for size, begin, raw_size, raw in table:
        if begin <= address < begin + max(size, raw_size):
            return raw + address - begin
    raise NotProgramError(f"the address {address:#x} lies in no section of the program")


def _entry(program: Seekable, root: int, directory: int, wanted: int | None) -> int | None:
    """The entry `wanted` of a resource directory, or its first one."""
    names, numbers = _unpacked(program, "<HH", root + directory + 12)
    if names + numbers > _MOST_ENTRIES:
        raise NotProgramError("the program's resource directory is too long")
    entries = _octets(program, root + directory + 16, 8 * (names + numbers))
    for name, offset in struct.iter_unpack("<II", entries):
        if wanted is None or name == wanted:
            return int(offset)
    return None


def _first(program: Seekable, root: int, entry: int | None) -> int | None:
    """Down to the first leaf: below the type come names, then languages."""
    for _ in range(3):
        if entry is None:
            return None
        if not entry & _SUBDIRECTORY:
            return root + entry
        entry = _entry(program, root, entry & ~_SUBDIRECTORY, None)
    raise NotProgramError("the program's resource directory is too deep")
