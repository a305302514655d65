"""The archive on the lab's switches: rounds, what is kept before a change, going back, and switches that misbehave."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site, configurations
from provisioning.api.plan import Run
from provisioning.connections import switch
from provisioning.connections.pool import Pool
from provisioning.lab.process import wait_for
from provisioning.lab.switch import misbehaving
from provisioning.ledger.archive import Archive
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.port import SwitchPort
from provisioning.secrets import Secrets
from provisioning.site.archive import ConfigurationArchive
from tests.conftest import EXAMPLE
from tests.lab.network_bench import PORTS, Bench, Faults

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
SW, DESK, OTHER = "sw-a", PORTS[6], PORTS[7]
LINES = ["description B-204-3 B2-04A WS-0042", "switchport access vlan 20", "switchport mode access"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench.make(tmp_path_factory.mktemp("configurations"), 48)
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def site(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The bench's switches, in their factory state but for one desk, with an archive and a ledger of their own."""
    bench.type(SW, [f"default interface {port}" for port in PORTS[:24]])
    bench.type(SW, [f"interface {DESK}", *LINES])
    here = bench.inventory()
    network = here.network.model_copy(update={"archive": ConfigurationArchive(folder=tmp_path / "archive")})
    parts = {"network": network, "folder": here.folder, "ledger": tmp_path / "ledger" / "ledger.sqlite"}
    inventory = Site.load(EXAMPLE).inventory.model_copy(update=parts)

    @contextmanager
    def connect(_: Site, *, anew: bool = False) -> Iterator[Pool]:
        secrets = Secrets(bench.folder, bench.folder / "handover")
        with Pool(inventory, secrets, {"switch": switch.open_session}) as pool:
            yield pool

    monkeypatch.setattr(Site, "connect", connect)
    return Site(inventory)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def section(bench: Bench, port: str) -> list[str]:
    with bench.pool() as pool, pool.session(f"switch:{SW}") as session:
        lines = bench.section(session, port).replace("\r", "").split("\n")
    return [line.strip() for line in lines if line.startswith(" ")]


def change(site: Site, port: str, **fields: Any) -> Run:
    """A run of its own that changes one port."""
    wanted = SwitchPort(**fields)
    former = SwitchPort.model_validate(dict.fromkeys(fields) | {"access_vlan": 20, "mode": "access"})
    one: Change[Any] = Change(Address("switch.port", f"switch:{SW}", port), wanted.view_of(former), wanted)
    return site.resume(site.ledger.begin("patch the desk", {"procedure": "patch"}, [one]).id)


def test_rounds_keep_what_changed_and_log_messages_change_nothing(bench: Bench, site: Site, archive: Archive) -> None:
    first = configurations.archive_now(site, ())
    assert (first.changed, dict(first.unread)) == (("sw-a", "sw-b"), {})
    with misbehaving(bench.switches.faults_file(SW), Faults(chatter=True)):
        assert configurations.archive_now(site, ()).commit is None
    bench.type(SW, [f"interface {OTHER}", "description changed by hand"])
    second = configurations.archive_now(site, ())
    assert second.changed == ("sw-a",)
    text = archive.read(SW, archive.find(SW))
    assert text.startswith("!\nversion 15.2\n")
    assert text.endswith("end\n")
    assert f"interface {OTHER}\n description changed by hand\n" in text
    assert len(archive.log()) == 2
    repository = tmp_repository(archive)
    assert subprocess.run([*repository, "fsck", "--strict"], check=True, capture_output=True).stdout == b""


def tmp_repository(archive: Archive) -> list[str]:
    return ["git", "--git-dir", str(archive.place.folder / "configurations.git")]


def test_what_is_kept_before_a_change_brings_it_back(bench: Bench, site: Site) -> None:
    run = change(site, DESK, access_vlan=30, mode="access")
    assert run.state == "done"
    assert "switchport access vlan 30" in section(bench, DESK)
    (found,) = configurations.compare(site, [SW], f"run {run.id}")
    assert [line for line in found.lines if line[0] in "+-"][2:] == [
        "- switchport access vlan 20",
        "+ switchport access vlan 30",
    ]
    back = site.plan(configurations.restore_request(site, SW, ["Gi1/0/7"], f"run {run.id}")).apply()
    assert back.state == "done"
    assert section(bench, DESK) == LINES
    assert not configurations.compare(site, [SW], f"run {run.id}")[0].lines
    assert f"interface {DESK}\n {LINES[0]}" in (bench.switches.folder / SW / "startup-config").read_text()
    assert back.undo().state == "done"
    assert "switchport access vlan 30" in section(bench, DESK)


def test_all_ports_at_once_come_back_and_uplinks_stay(bench: Bench, site: Site) -> None:
    configurations.archive_now(site, [SW])
    bench.type(SW, [line for port in PORTS[:24] for line in (f"interface {port}", "description wrong", "shutdown")])
    plan = site.plan(configurations.restore_request(site, SW))
    assert sorted(change.key for change in plan.changes) == sorted(PORTS[:24])
    assert any(f"{PORTS[24]}: not restored, the site lists it as an uplink" in one for one in plan.warnings)
    assert any(f"{PORTS[25]}: not restored, in the archive its mode is trunk" in one for one in plan.warnings)
    assert plan.apply().state == "done"
    assert section(bench, DESK) == LINES
    assert not configurations.compare(site, [SW])[0].lines


def test_what_the_switch_swallows_or_refuses_is_taken_back(bench: Bench, site: Site) -> None:
    configurations.archive_now(site, [SW])
    bench.type(
        SW, [f"interface {DESK}", "description wrong", "no switchport access vlan", f"interface {OTHER}", "shut"]
    )
    for fault in (Faults(ignore="access vlan 20"), Faults(reject="access vlan 20")):
        before = section(bench, DESK)
        with misbehaving(bench.switches.faults_file(SW), fault):
            run = site.plan(configurations.restore_request(site, SW, [DESK, OTHER])).apply()
        assert run.state == "partial"
        errors = {record.change.key: record.error for record in run.record.changes}
        assert errors.get(OTHER) is None
        assert str(errors[DESK]).endswith("its former lines are in place")
        assert section(bench, DESK) == before
        assert section(bench, OTHER) == []


def test_a_session_that_is_lost_halfway_is_gone_on_with(bench: Bench, site: Site) -> None:
    configurations.archive_now(site, [SW])
    bench.type(SW, [f"interface {DESK}", "description wrong"])
    wrong = section(bench, DESK)
    request = configurations.restore_request(site, SW, [DESK])
    with misbehaving(bench.switches.faults_file(SW), Faults(drop="^switchport access vlan 20", minute=1.0)):
        run = site.plan(request).apply()
    assert run.state == "waiting"
    wait_for("the switch to take the change back by itself", lambda: section(bench, DESK) == wrong)
    resumed = site.resume(run.id, now=True)
    assert resumed.state == "done"
    assert section(bench, DESK) == LINES


def test_without_a_place_in_the_archive_nothing_is_changed(bench: Bench, site: Site, archive: Archive) -> None:
    configurations.archive_now(site, [SW])
    archive.place.folder.chmod(0o755)
    run = change(site, DESK, access_vlan=30, mode="access")
    assert run.state == "partial"
    assert "was not archived first" in str(run.record.changes[0].error)
    assert section(bench, DESK) == LINES


def test_a_switch_that_refuses_the_command_is_named(bench: Bench, site: Site, archive: Archive) -> None:
    with misbehaving(bench.switches.faults_file(SW), Faults(reject="^show running-config$")):
        kept = configurations.archive_now(site, ())
    assert kept.changed == ("sw-b",)
    assert "refused the command 'show running-config'" in kept.unread[SW]
