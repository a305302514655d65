"""Opening: a new ledger, one of the first landing, one of the future; and every way in which opening can fail."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from pydantic import SecretStr

import provisioning.ledger
from provisioning.errors import LedgerError
from provisioning.ledger import Ledger
from provisioning.ledger.database import Database
from provisioning.ledger.tables import SCHEMA_VERSION, metadata
from provisioning.resources.base import Address
from tests.memory import Thing
from tests.postgres import ADDRESS, Cluster
from tests.unit.conftest import Place

CASES = Path(__file__).parent.parent / "cases" / "ledger"
SCHEMA_1, SCHEMA_2 = CASES / "schema-1.sql", CASES / "schema-2.sql"


@pytest.fixture
def first_landing(tmp_path: Path) -> Path:
    """A ledger file as the first landing wrote it."""
    file = tmp_path / "l.sqlite"
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA_1.read_text(encoding="utf-8"))
    connection.close()
    return file


def version_of(place: Place) -> str:
    return str(place.sql("SELECT version_num FROM alembic_version")[0][0])


def test_a_new_ledger_has_the_newest_schema(place: Place) -> None:
    place.open().begin("t", {}, [])
    assert version_of(place) == str(SCHEMA_VERSION)
    assert [r.title for r in place.open().runs()] == ["t"], "opened again, it is the same"


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    Ledger(tmp_path / "new" / "l.sqlite").close()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", tmp_path / "new" / "l.sqlite")]
    assert modes == [0o700, 0o600]


def test_a_ledger_of_schema_2_keeps_all_that_it_has(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "l.sqlite")
    connection.executescript(SCHEMA_2.read_text(encoding="utf-8"))
    connection.close()
    ledger = Ledger(tmp_path / "l.sqlite")
    run = ledger.run(1)
    assert (run.title, run.who, run.state, run.request_id) == ("connect printer", "root", "done", 1)
    assert [(r.change.key, r.state) for r in run.changes] == [("GigabitEthernet1/0/7", "verified")]
    assert [(a.pool, a.item, a.holder) for a in ledger.allocations()] == [("licence:crm", "1", "E1042")]
    assert [entry.sentence for entry in ledger.worklog()] == ["Begun."]
    assert (ledger.patch_orders(), ledger.port_holders()) == ([], {})
    assert ledger.verify().breaks == ()
    assert ledger.begin("next", {}, []).id == 2
    ledger.close()
    after = sqlite3.connect(tmp_path / "l.sqlite")
    assert after.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    after.close()


@pytest.mark.usefixtures("memory_kinds")
def test_a_ledger_of_the_first_landing_is_migrated_whole(first_landing: Path) -> None:
    ledger = Ledger(first_landing)
    one, two, three, four = reversed(ledger.runs())
    assert [(r.id, r.title, r.who, r.state, r.undoes) for r in (one, two, three, four)] == [
        (1, "onboard E1042", "anna", "partial", None),
        (2, "onboard E1042", "anna", "undone", None),
        (3, "undo run 2", "anna", "done", 2),
        (4, "killed", "anna", "running", None),
    ]
    assert [(r.change.key, r.state, r.attempted) for r in one.changes] == [
        ("new", "verified", True),
        ("z", "failed", True),
        ("old", "verified", True),
        ("w", "blocked", False),
    ]
    assert "no «Ø» 'quoted'" in str(one.changes[1].error)
    old = one.changes[2].change
    assert (old.before, old.after) == (
        Thing(size=1, labels={"x": "1", "y": None}),
        Thing(size=2, labels={"x": None, "y": "ü"}),
    )
    assert old.requires == {Address("memory.thing", "a", "new")}
    assert [(p["name"], p["passed"]) for p in one.proofs] == [("new is there", True), ("z is there", False)]
    assert [(r.state, r.attempted) for r in four.changes] == [("attempted", True), ("planned", False)]
    assert (one.started, one.finished) == ("2026-11-23T00:24:09.856+00:00", "2026-11-23T00:24:09.886+00:00")
    assert ledger.verify().breaks == ()
    assert ledger.begin("next", {}, []).id == 5
    assert ledger.verify().breaks == ()
    ledger.close()
    reopened = Ledger(first_landing)
    assert reopened.run(1) == one
    reopened.close()


def test_a_migration_that_fails_leaves_everything_as_it_was(
    first_landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("power cut")

    before = sqlite3.connect(first_landing)
    monkeypatch.setattr("provisioning.ledger.chain.change_digest", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        Ledger(first_landing)
    assert before.execute("SELECT count(*) FROM changes WHERE state = 'verified'").fetchone()[0] > 0
    assert before.execute("PRAGMA user_version").fetchone() == (1,)
    before.close()
    monkeypatch.undo()
    Ledger(first_landing).close()


def test_migrating_and_making_lead_to_the_same_schema(place: Place) -> None:
    database = Database(place.where, place.password, None)
    config = Config()
    config.set_main_option("script_location", str(Path(provisioning.ledger.__file__).parent / "migrations"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    with database.write() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        migrated = {name: _shape(connection, name) for name in metadata.tables}
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert {name: _shape(connection, name) for name in metadata.tables} == migrated
    database.close()


def _shape(connection: sa.Connection, name: str) -> object:
    found = sa.inspect(connection)
    columns = [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)]
    indexes = sorted((str(i["name"]), i["column_names"], bool(i["unique"])) for i in found.get_indexes(name))
    return columns, indexes, found.get_pk_constraint(name)["constrained_columns"]


@pytest.mark.parametrize("version", ["5", "f00ba4"])
def test_a_ledger_of_the_future_is_refused(place: Place, version: str) -> None:
    place.open()
    place.sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608  (one of two words)
    with pytest.raises(LedgerError, match=r"has schema .*, this program knows 4; use the newer version"):
        place.open()
    assert version_of(place) == version


def test_the_first_landing_refuses_a_ledger_of_today(tmp_path: Path) -> None:
    Ledger(tmp_path / "l.sqlite").close()
    connection = sqlite3.connect(tmp_path / "l.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,), "which is where it looks"
    connection.close()


# -------------------------------------------------------------------------------------------------- failures


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "l.sqlite").write_text("this is a letter to my aunt, " * 100)
    with pytest.raises(LedgerError, match=r"l\.sqlite: the file is not a SQLite database"):
        Ledger(tmp_path / "l.sqlite")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot be made: File exists; set `ledger:` in the site"):
        Ledger(tmp_path / "file" / "l.sqlite")


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    file = tmp_path / "l.sqlite"
    ledger = Ledger(file)
    ledger.begin("t" * 20000, {}, [])
    ledger.close()
    raw = bytearray(file.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    file.write_bytes(raw)
    with pytest.raises(LedgerError, match="is damaged; restore it from a backup"):
        Ledger(file).runs()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.lab
def test_a_full_disk_loses_nothing_that_was_committed(small_disk: Path) -> None:
    ledger = Ledger(small_disk / "l.sqlite")

    def fill() -> None:
        for number in range(100):
            ledger.begin("t" * 50_000, {"n": number}, [])

    with pytest.raises(LedgerError, match="the disk is full; make room, then `provision resume`"):
        fill()
    done = len(ledger.runs())
    assert done > 0
    assert [r.id for r in ledger.runs()] == list(range(done, 0, -1))
    assert ledger.verify().breaks == ()
    ledger.close()


@pytest.mark.lab
def test_a_read_only_disk_is_named(small_disk: Path) -> None:
    ledger = Ledger(small_disk / "l.sqlite")
    ledger.begin("t", {}, [])
    ledger.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(LedgerError, match=r"(read-only for this user|cannot be opened)"):
        Ledger(small_disk / "l.sqlite").begin("t", {}, [])
    with pytest.raises(LedgerError, match="cannot be made: Read-only file system"):
        Ledger(small_disk / "new" / "l.sqlite")


@pytest.mark.lab
def test_a_read_only_file_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is below a folder that is root's alone
        file = Path(folder) / "l.sqlite"
        Ledger(file).close()
        file.chmod(0o444)
        Path(folder).chmod(0o555)
        os.seteuid(65534)
        try:
            with pytest.raises(LedgerError, match="it is read-only for this user; correct the owner and mode"):
                Ledger(file).begin("t", {}, [])
        finally:
            os.seteuid(0)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("change", "password", "message"),
    [
        ({}, "wrong", "did not let us in; check the password"),
        ({}, None, "asks for a password; set `ledger: password:`"),
        ({"database": "nowhere"}, "right", "did not let us in; check the password and the database's name"),
        ({"port": "1"}, "right", "cannot be reached"),
        ({"host": "127.77.1.61"}, "right", "cannot be reached"),
    ],
)
def test_a_server_that_does_not_let_us_in(
    cluster: Cluster, change: dict[str, str], password: str | None, message: str
) -> None:
    right = {"host": ADDRESS, "port": str(cluster.port), "database": "postgres"} | change
    secret = {"right": cluster.password, "wrong": "canary-7f3a", None: None}[password]
    url = f"postgresql://provision@{right['host']}:{right['port']}/{right['database']}"
    with pytest.raises(LedgerError, match=message) as refused:
        Ledger(url, password=SecretStr(secret) if secret else None)
    assert secret is None or secret not in str(refused.value)
    assert url.replace("provision@", "") in str(refused.value).replace("provision@", "").replace("provision:***@", "")


@pytest.mark.lab
def test_a_server_over_the_network_must_prove_who_it_is() -> None:
    database = Database("postgresql://provision@db.corp.example/ledger", None, Path("/etc/ca.pem"))
    words = database.server_arguments()
    assert (words["sslmode"], words["sslrootcert"], words["dbname"]) == ("verify-full", "/etc/ca.pem", "ledger")
    relaxed = Database("postgresql://provision@db.corp.example/ledger?sslmode=require", None, None)
    assert relaxed.server_arguments()["sslmode"] == "require"


def test_a_file_has_no_server_arguments(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite")
    assert (ledger.is_server, ledger.folder) == (False, tmp_path)
    with pytest.raises(LedgerError, match="this needs PostgreSQL"):
        ledger.server_arguments()
    ledger.close()


@pytest.mark.lab
def test_a_connection_that_broke_is_opened_anew(place: Place) -> None:
    ledger = place.open()
    run = ledger.begin("t", {}, [])
    if ledger.is_server:
        place.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    ledger.end(run.id, "done")
    assert ledger.run(run.id).state == "done"
