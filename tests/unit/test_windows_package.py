"""The example site's packages, and the parts of ``windows.package`` that need no PC: versions, entries, file versions,
order and requirements, the restart that follows."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from provisioning.engine import planner
from provisioning.engine.planner import Reading
from provisioning.errors import RejectedError, RequestError
from provisioning.procedures.onboard import Onboard, onboard
from provisioning.procedures.packages import (
    downgrade_warnings,
    package_resources,
    removal_resources,
    with_requirements,
)
from provisioning.resources.base import Address, Change, Resource, State
from provisioning.resources.windows.entries import Entry, entries, entries_of_people, find, read_packages
from provisioning.resources.windows.file_version import NotProgramError, file_version
from provisioning.resources.windows.package import InstalledPackage, find_installer, sha256_of
from provisioning.resources.windows.printer import restart_spooler
from provisioning.resources.windows.restart import Restart
from provisioning.site import Inventory
from provisioning.site.load import load
from provisioning.site.versions import is_older, satisfies
from tests.unit.windows_session import FakePc, with_software

EXAMPLE = Path(__file__).parents[2] / "inventories" / "example"
PC = "windows:WS-0042"


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def test_the_packages_are_the_approved_ones(example: Inventory) -> None:
    installers = [installer for package in example.software.values() for installer in package.versions]
    assert len(installers) == 7
    for installer in installers:
        assert installer.file is not None
        assert sha256_of(installer.file) == installer.sha256


def test_every_package_has_its_source(example: Inventory) -> None:
    for package in example.software.values():
        for installer in package.versions:
            assert installer.file is not None
            if installer.type == "msi":
                source = installer.file.with_suffix(".wxs").read_text(encoding="utf-8")
                product = f'Id="{installer.product_code}" Name="{package.display_name}" Version="{installer.version}"'
                assert product in source
            else:
                name = installer.file.name.rpartition("-")[0]
                assert f'Name "{package.display_name}"' in (EXAMPLE / f"packages/{name}.nsi").read_text()
                assert f"-DVERSION={installer.version} {name}.nsi" in (EXAMPLE / "packages/build.sh").read_text()


def test_an_installer_is_found_by_its_product_code_whatever_the_case(example: Inventory) -> None:
    installer = find_installer(example, "{0c1e5b3a-7f4d-4b52-8e0c-3a0b51c4e410}")
    assert installer is not None
    assert installer.version == "4.1.0"
    assert find_installer(example, "{00000000-0000-0000-0000-000000000000}") is None
    assert find_installer(example, None) is None


# -- versions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("4.2", "4.2.0", True),
        ("4.10", "4.9", False),
        ("4.10", ">=4.9", True),
        ("4.10", ">=4.9, <4.10", False),
        ("4.1.0", ">=4.1,<5", True),
        ("5", ">=4.1,<5", False),
        ("5.0.0", "<=5", True),
        ("5.0.1", ">5", True),
        ("2021-beta", "2021-beta", True),
        ("2021-beta", ">=1", False),
        ("", ">=0", False),
        ("0", ">=0", True),
        ("1.2.3.4.5", ">=1.2.3.4", True),
    ],
)
def test_versions_and_ranges(version: str, wanted: str, expected: bool) -> None:
    assert satisfies(version, wanted) is expected
    assert InstalledPackage(version=wanted).agrees_with(InstalledPackage(version=version)) is expected


@pytest.mark.parametrize(
    ("version", "other", "expected"),
    [
        ("4.9", "4.10", True),
        ("4.10", "4.9", False),
        ("4.2", "4.2.0", False),
        (">=4.1,<5", "5.0", True),
        (">=4.1,<5", "4.0", False),
        (">=4.1", "99", False),
        ("4", "beta", False),
    ],
)
def test_what_is_known_to_be_older(version: str, other: str, expected: bool) -> None:
    assert is_older(version, other) is expected


def test_the_permission_to_downgrade_is_no_property_of_a_pc() -> None:
    wanted = InstalledPackage(version="4.1", downgrade=False)
    found = InstalledPackage(version="4.2", product_code=None)
    assert wanted.differences(found) == {"version": ("4.2", "4.1")}
    assert wanted.view_of(found).downgrade is True, "taking it back may go down again"
    assert InstalledPackage.from_plain(wanted.to_plain()).downgrade is False


# -- what is installed ----------------------------------------------------------------------------------------------

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
KEY_32 = "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
CODE = "{0C1E5B3A-7F4D-4B52-8E0C-3A0B51C4E420}"


def exported(key: str, **entries: dict[str, str]) -> str:
    text = f"[{key}]\r\n\r\n"
    for name, values in entries.items():
        lines = "".join(f'"{value}"={shown}\r\n' for value, shown in values.items())
        text += f"[{key}\\{name}]\r\n{lines}\r\n"
    return text


def test_entries_of_both_views_and_of_people(example: Inventory, tmp_path: Path) -> None:
    sid = "S-1-5-21-1-2-3-1105"
    theirs = f"HKEY_USERS\\{sid}\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
    hives = "".join(f"HKEY_USERS\\{name}\r\n" for name in (".DEFAULT", sid, f"{sid}_Classes"))
    pc = FakePc(example, tmp_path, lambda _: hives)
    pc.exported = {
        KEY: exported(KEY, KestrelViewer={"DisplayName": '"Kestrel Viewer 2.0.0"', "DisplayVersion": '"2.0.0"'}),
        KEY_32: exported(
            KEY_32,
            **{CODE.lower(): {"DisplayName": '"CRM (Русский)"', "DisplayVersion": '"4.2.0"', "Publisher": '"M"'}},
            KB5001={"DisplayName": '"Update for it"', "ParentKeyName": '"it"'},
            Part={"DisplayName": '"A part"', "SystemComponent": "dword:00000001"},
            Nameless={"DisplayVersion": '"1"'},
        ),
        theirs: exported(theirs, Chat={"DisplayName": '"Chat"', "DisplayVersion": '"9"'}),
    }
    found = entries(pc.session)
    assert [(e.name, e.version, e.hidden) for e in found] == [
        ("Kestrel Viewer 2.0.0", "2.0.0", False),
        ("CRM (Русский)", "4.2.0", False),
        ("Update for it", "", True),
        ("A part", "", True),
    ]
    assert entries_of_people(pc.session) == [Entry("Chat", "9", "Chat", person=sid)]
    assert read_packages(pc.session, ["Kestrel Viewer", "Meridian CRM Client", "A PART", "Absent"]) == {
        "Kestrel Viewer": InstalledPackage(version="2.0.0", product_code=None),
        "Meridian CRM Client": InstalledPackage(version="4.2.0", product_code=CODE),
        "A PART": InstalledPackage(version="", product_code=None),
    }


def test_of_several_entries_the_highest_version_counts() -> None:
    found = [Entry("Tool", version, f"Tool {version}") for version in ("1.9", "1.10", "beta")]
    entry = find(None, "TOOL", found)
    assert entry is not None
    assert entry.version == "1.10"


VIEWER = EXAMPLE / "packages/kestrel-viewer-2.1.0.exe"


def portable(example: Inventory, tmp_path: Path, place: str) -> FakePc:
    """A PC of a site that knows a package by a program file."""
    plain = {
        "display_name": "Portable Viewer",
        "detect": {"file": place},
        "uninstall": {"program": "C:\\Tools\\x.exe"},
        "versions": [{"version": "2.1", "type": "exe", "file": "x.exe", "sha256": "0" * 64}],
    }
    return FakePc(with_software(example, "portable", plain), tmp_path)


def test_a_package_that_only_its_program_file_tells_of(example: Inventory, tmp_path: Path) -> None:
    pc = portable(example, tmp_path, "C:\\Program Files\\Ключ 100%\\viewer.exe")
    assert read_packages(pc.session, ["Portable Viewer"]) == {}
    pc.shares["Program Files\\Ключ 100%\\viewer.exe"] = VIEWER.read_bytes()
    assert read_packages(pc.session, ["Portable Viewer"]) == {
        "Portable Viewer": InstalledPackage(version="2.1.0.0", product_code=None)
    }
    assert pc.ran == [], "it is read where it lies"


def test_a_program_on_another_drive_is_copied_to_where_it_can_be_read(example: Inventory, tmp_path: Path) -> None:
    place = "D:\\Tools\\viewer.exe"
    pc = portable(example, tmp_path, place)
    pc.files["program.bin"] = VIEWER.read_bytes()
    assert read_packages(pc.session, ["Portable Viewer"])["Portable Viewer"].version == "2.1.0.0"
    assert pc.files == {}


@pytest.mark.parametrize("code", [1, 0xC0000142])
@pytest.mark.parametrize("listed", ["", "VIEWER.exe\r\n"])
def test_a_program_on_another_drive_that_is_refused_is_not_absent(
    example: Inventory, tmp_path: Path, code: int, listed: str
) -> None:
    pc = portable(example, tmp_path, "D:\\Tools\\viewer.exe")
    pc.answer = lambda line: code if "copy" in line else listed
    if code == 1 and not listed:
        assert read_packages(pc.session, ["Portable Viewer"]) == {}
    else:
        with pytest.raises(RejectedError, match=rf"viewer.exe cannot be copied .* \(copy: {code}\)"):
            read_packages(pc.session, ["Portable Viewer"])
    assert [line.split()[2] for line in pc.ran] == ["copy", "dir"]


def test_a_copy_that_is_not_there_is_not_an_absent_program(example: Inventory, tmp_path: Path) -> None:
    pc = portable(example, tmp_path, "D:\\Tools\\viewer.exe")
    with pytest.raises(RejectedError, match="the copy is not there"):
        read_packages(pc.session, ["Portable Viewer"])


def test_profiles_that_cannot_be_listed_are_not_nobodys(example: Inventory, tmp_path: Path) -> None:
    pc = FakePc(example, tmp_path, lambda _: 0xC0000142)
    with pytest.raises(RejectedError, match="cannot list its loaded profiles"):
        entries_of_people(pc.session)


@pytest.mark.parametrize(
    ("stopping", "expected"),
    [
        (1062, None),
        (1060, None),
        (0xC0000142, "the print spooler"),
        (5, "the print spooler does not stop (sc ended with exit"),
    ],
)
def test_a_spooler_that_does_not_stop_is_not_one_that_does_not_run(
    example: Inventory, tmp_path: Path, stopping: int, expected: str | None
) -> None:
    pc = FakePc(example, tmp_path, lambda line: stopping if line == "sc stop Spooler" else 0)
    error = restart_spooler(pc.session)
    assert error is None if expected is None else expected in str(error)
    assert pc.ran == ["sc stop Spooler"]


def test_a_program_file_that_is_none_is_named(example: Inventory, tmp_path: Path) -> None:
    pc = portable(example, tmp_path, "C:\\Tools\\viewer.exe")
    pc.shares["Tools\\viewer.exe"] = b"#!/bin/sh"
    with pytest.raises(RejectedError, match=r"Tools\\viewer.exe tells no version: not a program file"):
        read_packages(pc.session, ["Portable Viewer"])


class Metered(io.BytesIO):
    """Counts what is read."""

    octets = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.octets += len(found)
        return found


def test_file_versions() -> None:
    viewer = Metered(VIEWER.read_bytes() + b"\0" * 10_000_000)
    assert file_version(viewer) == "2.1.0.0"
    assert viewer.octets < 4096, "of a large program only what is needed is read"
    assert file_version(io.BytesIO((EXAMPLE / "packages/osprey-driver-1.0.0.exe").read_bytes())) is None


@pytest.mark.parametrize("octets", [b"", b"MZ", b"PK\3\4", b"MZ" + b"\0" * 100, b"MZ" + b"\xff" * 200])
def test_what_is_no_program_tells_no_version(octets: bytes) -> None:
    with pytest.raises(NotProgramError, match=r"program"):
        file_version(io.BytesIO(octets))


def test_a_damaged_program_ends_in_a_refusal_or_a_version() -> None:
    viewer = VIEWER.read_bytes()
    (pe,) = struct.unpack_from("<I", viewer, 0x3C)
    for at in range(pe, pe + 600):
        for octet in (0x00, 0x7F, 0xFF):
            damaged = viewer[:at] + bytes([octet]) + viewer[at + 1 :]
            with suppress(NotProgramError):
                file_version(io.BytesIO(damaged))


# -- order, requirements, the restart -------------------------------------------------------------------------------


def addressed(name: str) -> Address:
    return Address("windows.package", PC, name)


def test_requirements_come_first_and_are_named_once(example: Inventory) -> None:
    assert with_requirements(example, ["osprey-driver", "kestrel-viewer"]) == ("kestrel-viewer", "osprey-driver")
    with pytest.raises(RequestError, match="did you mean 'kestrel-viewer'"):
        with_requirements(example, ["kestral-viewer"])


def read_as(resources: list[Resource], **found: State | None) -> Reading:
    by_key = {"restart": Restart(pending=False), **{key.replace("_", " "): value for key, value in found.items()}}
    return Reading({r.address: by_key.get(r.key) for r in resources}, {})


def test_a_restart_is_planned_after_packages_and_only_then(example: Inventory) -> None:
    resources = list(package_resources(example, "WS-0042", ["osprey-driver"]))
    changes = planner.compare(resources, read_as(resources))
    assert [c.key for c in changes] == ["Kestrel Viewer", "Osprey Label Driver", "restart"]
    assert changes[2].requires == {addressed("Kestrel Viewer"), addressed("Osprey Label Driver")}
    assert changes[2].before == Restart(pending=True)
    there = read_as(
        resources,
        Kestrel_Viewer=InstalledPackage(version="2.5"),
        Osprey_Label_Driver=InstalledPackage(version="1.0.0"),
    )
    assert planner.compare(resources, there) == []


def test_what_waits_for_a_restart_from_before_gets_it(example: Inventory) -> None:
    resources = list(package_resources(example, "WS-0042", ["kestrel-viewer"]))
    there = read_as(resources, Kestrel_Viewer=InstalledPackage(version="2.1"), restart=Restart(pending=True))
    assert [c.key for c in planner.compare(resources, there)] == ["restart"]


def test_taking_back_ends_with_a_restart_as_well(example: Inventory) -> None:
    resources = list(package_resources(example, "WS-0042", ["osprey-driver"]))
    back = planner.inverse(planner.compare(resources, read_as(resources)))
    assert [(c.key, c.after) for c in back] == [
        ("Osprey Label Driver", None),
        ("Kestrel Viewer", None),
        ("restart", Restart(pending=False)),
    ]


def test_removal_takes_what_requires_others_first(example: Inventory) -> None:
    resources = list(removal_resources(example, "WS-0042", ["kestrel-viewer", "osprey-driver"]))
    there = read_as(
        resources,
        Kestrel_Viewer=InstalledPackage(version="2.5"),
        Osprey_Label_Driver=InstalledPackage(version="1.0.0"),
    )
    assert [c.key for c in planner.compare(resources, there)] == ["Osprey Label Driver", "Kestrel Viewer", "restart"]


def test_a_plan_warns_of_downgrades(example: Inventory) -> None:
    older = InstalledPackage(version="4.2.0", downgrade=False)
    change: Change[State] = Change(addressed("CRM"), InstalledPackage(version="5.0"), older)
    assert list(downgrade_warnings([change])) == [
        "WS-0042: CRM 5.0 is newer than 4.2.0 and will be left alone; --allow-downgrade asks for the older one"
    ]
    allowed: Change[State] = Change(addressed("CRM"), InstalledPackage(version="5.0"), InstalledPackage(version="4.2"))
    assert list(downgrade_warnings([allowed])) == []


def test_asking_for_a_downgrade_is_part_of_the_request(example: Inventory) -> None:
    asked = onboard("E1042", downgrade=True)
    assert Onboard.from_plain(asked.to_plain()) == asked
    assert "downgrade" not in onboard("E1042").to_plain(), "requests that earlier versions wrote read the same"
    for downgrade in (True, False):
        [resource, _] = package_resources(example, "WS-0042", ["crm-client"], downgrade=downgrade)
        assert isinstance(resource.desired, InstalledPackage)
        assert resource.desired.downgrade is downgrade
