"""Archives of a PC: written, encrypted, restored; onto a medium that leaves the house only with approval."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from provisioning.api import Site
from provisioning.api.moving import backup_request, restore_request
from provisioning.errors import RequestError, SecretError
from provisioning.lab.office import Office
from provisioning.procedures.registry import from_plain

pytestmark = pytest.mark.lab

PC, OTHER = "WS-0042", "WS-0043"
LOGIN, SID = "борис", "S-1-5-21-7-8-9-1108"


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return tmp_path / "archives"


@pytest.fixture
def home(office: Office) -> Iterator[Path]:
    folder = office.pcs.make_profile(PC, SID, LOGIN)
    office.pcs.make_profile(OTHER, SID, LOGIN)
    (folder / "Desktop/план.txt").write_bytes("план".encode())
    yield folder
    office.pcs.remove_profile(PC, SID, LOGIN)
    office.pcs.remove_profile(OTHER, SID, LOGIN)


def of(site: Site, archives: Path, **rules: object) -> Site:
    changed = site.inventory.user_data.model_copy(update={"archives": archives, **rules})
    inventory = site.inventory.model_copy(update={"user_data": changed, "ledger": archives.parent / "ledger.sqlite"})
    return Site(inventory)


def test_plain_archive_and_restore_on_another_pc(site: Site, archives: Path, home: Path, office: Office) -> None:
    here = of(site, archives)
    request = backup_request(here, PC, [LOGIN], None)
    assert from_plain(request.to_plain()) == request
    run = here.plan(request).apply()
    assert run.succeeded
    file = Path(request.file)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        assert f"data/{LOGIN}/Desktop/план.txt" in tar.getnames()
        settings = json.loads(tar.extractfile("settings.json").read())  # type: ignore[union-attr]
    assert {one["kind"] for one in settings} >= {"windows.registry"}
    back = restore_request(here, OTHER, file, [LOGIN])
    assert from_plain(back.to_plain()) == back
    again = here.plan(back).apply()
    assert again.succeeded
    brought = office.pcs.drive(OTHER) / "users" / LOGIN / "Desktop/план.txt"
    assert brought.read_bytes() == "план".encode()
    assert here.plan(back).is_empty
    assert again.undo().succeeded
    assert not brought.exists()
    assert run.undo().succeeded
    assert not file.exists()


def test_encrypted_archive(site: Site, archives: Path, home: Path, tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(key))
    here = of(site, archives, recipients=(str(key.to_public()),), identity=f"file:{tmp_path / 'key'}")
    request = backup_request(here, PC, [LOGIN], None)
    assert here.plan(request).apply().succeeded
    file = Path(request.file)
    assert file.read_bytes().startswith(b"age-encryption.org/v1")
    assert "план".encode() not in file.read_bytes()
    assert restore_request(here, OTHER, file, []).profiles[0]["name"] == LOGIN
    other = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(other))
    with pytest.raises(SecretError, match="does not open this archive"):
        restore_request(here, OTHER, file, [])
    with pytest.raises(SecretError, match=r"set user_data\.identity"):
        restore_request(of(site, archives), OTHER, file, [])
    assert [p.name for p in archives.iterdir() if p.name.startswith(".opened")] == [], "nothing plain is left"


def test_off_premises_is_encrypted_and_needs_approval(site: Site, archives: Path, home: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"set user_data\.recipients"):
        backup_request(of(site, archives), PC, [LOGIN], tmp_path / "stick")
    key = pyrage.x25519.Identity.generate()
    here = of(site, archives, recipients=(str(key.to_public()),))
    request = backup_request(here, PC, [LOGIN], tmp_path / "stick")
    plan = here.plan(request)
    assert plan.grounds == {"security": (f"user data of {LOGIN} is copied off the premises",)}
    with pytest.raises(RequestError, match="needs approval"):
        plan.apply()
    assert not (tmp_path / "stick").exists()


def repacked(folder: Path, file: Path, **changed: bytes) -> Path:
    """The archive with other members in it."""
    with tarfile.open(file) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "x.tar.gz", "w:gz") as tar:
        for name, content in members.items():
            given = changed.get(name.rpartition("/")[2].partition(".")[0], content)
            member = tarfile.TarInfo(name)
            member.size = len(given)
            tar.addfile(member, io.BytesIO(given))
    return folder / "x.tar.gz"


def test_an_altered_archive_is_refused_whole(site: Site, archives: Path, home: Path, tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(key))
    here, sealed = of(site, archives), {"recipients": (str(key.to_public()),), "identity": f"file:{tmp_path / 'key'}"}
    (home / "Desktop/long.bin").write_bytes(os.urandom(400_000))
    request = backup_request(here, PC, [LOGIN], None)
    assert here.plan(request).apply().succeeded
    file = Path(request.file)
    assert restore_request(here, OTHER, repacked(tmp_path, file), []).profiles
    with tarfile.open(file) as tar:
        manifest = json.loads(tar.extractfile("manifest.json").read())  # type: ignore[union-attr]
    newer = json.dumps({**manifest, "format": 2}).encode()
    leading = json.dumps(manifest).replace("Desktop", "..\\\\..\\\\Windows").encode()
    for member, content, sentence in (
        ("план", b"x", r"план\.txt is not what its manifest says\. Nothing was restored"),
        ("settings", b"[]", r"settings\.json is not what its manifest says"),
        ("manifest", newer, "has format 2; this version reads format 1"),
        ("manifest", leading, "leads out of the profile"),
        ("manifest", b"[]", "cannot be read as an archive"),
        ("manifest", b'{"format": 1}', "cannot be read as an archive"),
    ):
        with pytest.raises(RequestError, match=sentence):
            restore_request(here, OTHER, repacked(tmp_path, file, **{member: content}), [])
    there = of(site, archives, **sealed)
    request = backup_request(there, PC, [LOGIN], None)
    assert there.plan(request).apply().succeeded
    octets = bytearray(Path(request.file).read_bytes())
    octets[-70_000] ^= 1
    Path(request.file).write_bytes(octets)
    with pytest.raises(RequestError, match="was altered or damaged"):
        restore_request(there, OTHER, Path(request.file), [])


def test_no_archives_are_refused(site: Site, archives: Path, tmp_path: Path) -> None:
    rubbish = tmp_path / "x.tar.gz"
    rubbish.write_bytes(b"no archive at all")
    with pytest.raises(RequestError, match="cannot be read as an archive"):
        restore_request(of(site, archives), PC, rubbish, [])
    with pytest.raises(RequestError, match="did you mean"):
        backup_request(of(site, archives), f"{PC}x", [], None)
