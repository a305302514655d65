"""`provision config`, the archive before each change and the worker's rounds, on switches in memory."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioning.api import Site, configurations
from provisioning.cli.program import PROGRAM
from provisioning.connections.switch import Rejection, Sent
from provisioning.engine.errands import Errand, repeated_key
from provisioning.errors import RequestError
from provisioning.ledger.archive import Archive
from provisioning.procedures.approvals import grounds
from provisioning.procedures.configurations import RestoreSections
from provisioning.procedures.registry import from_plain
from provisioning.resources.base import Address, Change
from provisioning.resources.switch.port import SwitchPort
from provisioning.resources.switch.section import InterfaceSection
from provisioning.site.archive import ConfigurationArchive, archive_folder
from provisioning.site.ledger import LedgerServer
from provisioning.worker import Errands
from tests.ledger_files import ledger_octets
from tests.unit.cli_office import write_site
from tests.unit.closet import Closet, FakeSwitch, gi

SW = "sw-b2-1"
DESK = ["description B-204-3 B2-04A WS-0042", "switchport access vlan 20", "switchport mode access"]
CANARY = "CANARYcommunity"


@dataclass
class Device(FakeSwitch):
    """A switch with a whole configuration, which takes `default interface`. Lines that `refuses` matches are rejected,
    those that `ignores` matches are swallowed."""

    head: list[str] = field(default_factory=lambda: ["hostname sw", f"snmp-server community {CANARY} RO"])
    refuses: str = "(?!)"
    ignores: str = "(?!)"
    mute: bool = False
    clock: int = 0

    def _show(self, command: str) -> str:
        return self._whole() if command == "show running-config" else super()._show(command)

    def _whole(self) -> str:
        self.clock += 1
        if self.mute:
            return ""
        ports = [f"interface {port}\n" + "".join(f" {line}\n" for line in self.ports[port]) for port in self.ports]
        head = ["", f"! Last configuration change at 05:21:{self.clock:02} UTC", *self.head, "!"]
        return "\n".join([*head, "!\n".join(ports), "end"])

    def send(self, lines: Sequence[str], show: Sequence[str] = (), *, guarded: bool = False) -> Sent:
        port, refused = "", []
        for index, line in enumerate(lines):
            self.sent.append(line)
            if re.search(self.refuses, line):
                refused.append(Rejection(index, line, "% Invalid input detected at '^' marker."))
            elif line.startswith("default interface "):
                self.ports[line.removeprefix("default interface ")] = []
            elif line.startswith("interface "):
                port = line.removeprefix("interface ")
            elif line not in {"exit", "configure terminal"} and not re.search(self.ignores, line):
                self._take(port, line)
        return Sent(tuple(refused), tuple(self.show_all(show)))


@dataclass
class Bench:
    """A site with an archive, and its two switches."""

    folder: Path
    archive: Path
    closet: Closet

    @property
    def site(self) -> Site:
        return Site.load(self.folder)

    @property
    def kept(self) -> Archive:
        return Archive(self.archive)

    def __getitem__(self, name: str) -> Device:
        device = self.closet.switches[name]
        assert isinstance(device, Device)
        return device

    def run(self, *words: str, code: int = 0) -> str:
        """What the program says; its exit code must be `code`."""
        done = CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words])
        assert done.exit_code == code, done.output
        return done.output

    def json(self, *words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words, "--output", "json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def refused(self, *words: str) -> str:
        """The sentence of a refusal; nothing may have reached a switch or the archive."""
        before = [list(device.sent) for device in self.closet.switches.values()], len(self.kept.log())
        said = self.run(*words, code=1)
        assert ([list(device.sent) for device in self.closet.switches.values()], len(self.kept.log())) == before
        return said


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    folder, archive = write_site(tmp_path), tmp_path / "archive"
    text = (folder / "network.yml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.strip().startswith("archive:")]
    lines.insert(lines.index("network:") + 1, f"  archive: {{folder: {archive}}}")
    (folder / "network.yml").write_text("\n".join([*lines, ""]), encoding="utf-8")
    inventory = Site.load(folder).inventory
    devices: dict[str, FakeSwitch] = {}
    for name, one in inventory.network.switches.items():
        ports: dict[str, list[str]] = {gi(number): [] for number in range(1, 25)} | {
            up: ["switchport mode trunk"] for up in one.uplinks
        }
        ports[gi(7)] = list(DESK)
        devices[name] = Device(name, inventory, ports, links=set(one.uplinks))
    closet = Closet(devices)

    @contextmanager
    def connect(_: Site, *, anew: bool = False) -> Iterator[Closet]:
        yield closet

    monkeypatch.setattr(Site, "connect", connect)
    return Bench(folder, archive, closet)


# ------------------------------------------------------------------------------------------- archive, log, show


def test_archive_keeps_all_switches_as_one_commit_and_nothing_twice(bench: Bench) -> None:
    said = bench.run("config", "archive")
    assert "sw-b2-1  new, kept" in said
    assert "2 configurations looked at: commit" in said
    assert "nothing new, no commit" in bench.run("config", "archive")
    bench["sw-b2-2"].ports[gi(1)] = ["shutdown"]
    assert bench.json("config", "archive")["changed"] == ["sw-b2-2"]
    rows = bench.json("config", "log")
    assert [row["switches"] for row in rows] == [["sw-b2-2"], ["sw-b2-1", "sw-b2-2"]]
    assert len(bench.json("config", "log", SW)) == 1
    assert "Round: sw-b2-2" in bench.run("config", "log", "--limit", "1")
    assert CANARY not in bench.run("config", "show", SW)
    assert "snmp-server community <secret " in bench.run("config", "show", SW)
    assert bench[SW].sent == []


def test_show_goes_back_in_time(bench: Bench) -> None:
    bench.run("config", "archive")
    first = bench.json("config", "log")[0]
    bench[SW].ports[gi(7)] = []
    bench.run("config", "archive", SW)
    assert DESK[0] not in bench.run("config", "show", SW)
    for at in (first["commit"], first["commit"][:8]):
        assert DESK[0] in bench.run("config", "show", SW, "--at", at)
    shown = bench.json("config", "show", SW, "--at", "2999-01-01")
    assert shown["title"] == "Round: sw-b2-1"
    assert f"interface {gi(7)}" in shown["lines"]


def test_a_switch_that_does_not_answer_is_named_and_the_others_are_kept(bench: Bench) -> None:
    del bench.closet.switches["sw-b2-2"]  # type: ignore[attr-defined]
    said = bench.run("config", "archive", code=3)
    assert "sw-b2-1  new, kept" in said
    assert "sw-b2-2  could not be read: nobody answers; is it switched on?" in said
    assert bench.kept.switches() == (SW,)


def test_a_switch_that_prints_nothing_is_not_kept_as_nothing(bench: Bench) -> None:
    bench[SW].mute = True
    assert "answered 'show running-config' with nothing" in bench.json("config", "archive", code=3)["unread"][SW]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("archive", "sw-b2-9"), "the site has no switch 'sw-b2-9'; did you mean 'sw-b2-"),
        (("log", "sw-b2-9"), "the site has no switch 'sw-b2-9'; did you mean 'sw-b2-"),
        (("show", "sw-b2-9"), "the site has no switch 'sw-b2-9'; did you mean 'sw-b2-"),
        (("diff", "sw-b2-9"), "the site has no switch 'sw-b2-9'; did you mean 'sw-b2-"),
        (("restore", "sw-b2-9", "--yes"), "the site has no switch 'sw-b2-9'; did you mean 'sw-b2-"),
        (("show", SW, "--at", "yesterday"), "'yesterday' is no time, commit or run; expected 2026-11-20, "),
        (("show", SW, "--at", "2026-13-45"), "'2026-13-45' is no time, commit or run"),
        (("show", SW, "--at", "abcdef12"), "the archive has nothing of sw-b2-1 in abcdef12; `provision config log"),
        (("show", SW, "--at", "run 7"), "the archive has nothing of sw-b2-1 before run 7; `provision config log"),
        (("show", SW, "--at", "2001-01-01"), "the archive has nothing of sw-b2-1 that is so old"),
        (("diff", SW, "--from", "run 7"), "the archive has nothing of sw-b2-1 before run 7"),
        (("restore", SW, "Gi1/0/99", "--yes"), "has no port 'GigabitEthernet1/0/99'; did you mean"),
        (("restore", SW, "nonsense", "--yes"), "has no port 'nonsense'; `provision config show sw-b2-1` lists"),
        (("restore", SW, "Gi1/0/24", "--yes"), "is not restored: the site lists it as an uplink"),
        (("restore", SW), "there is no terminal to ask on"),
    ],
)
def test_what_cannot_be_is_refused_with_the_next_step(bench: Bench, words: Sequence[str], sentence: str) -> None:
    bench.run("config", "archive")
    assert sentence in bench.refused("config", *words)


def test_an_empty_archive_says_what_to_do(bench: Bench) -> None:
    for words in (("show", SW), ("diff", SW), ("restore", SW, "--yes")):
        assert f"nothing is archived of {SW} yet; `provision config archive {SW}` does it" in bench.refused(
            "config", *words
        )
    assert "Nothing is archived yet" in bench.run("config", "log")
    assert not bench.archive.exists()


def test_a_site_that_names_no_folder_keeps_everything_beside_the_ledger(bench: Bench) -> None:
    file = bench.folder / "network.yml"
    file.write_text(re.sub(r"(?m)^  archive: .*\n", "", file.read_text(encoding="utf-8")), encoding="utf-8")
    place = archive_folder(bench.site.inventory)
    assert place == bench.folder.parent / "lab" / "configurations"
    assert change_a_port(bench, 7, 30).state == "done"
    assert place.stat().st_mode & 0o777 == 0o700
    assert " switchport access vlan 20" in bench.run("config", "show", SW, "--at", "run 1")
    assert not bench.archive.exists()


def test_with_a_ledger_in_a_database_the_place_is_in_the_site(bench: Bench) -> None:
    inventory = bench.site.inventory
    database = LedgerServer(url="postgresql://provision@127.0.0.1/ledger")
    network = inventory.network.model_copy(update={"archive": ConfigurationArchive()})
    elsewhere = inventory.model_copy(update={"ledger": database, "network": network})
    assert archive_folder(elsewhere) == bench.folder / ".ledger" / "configurations"


# ---------------------------------------------------------------------------------------------------------- diff


def test_diff_tells_what_changed_since_and_monitoring_reads_the_code(bench: Bench) -> None:
    bench.run("config", "archive")
    assert bench.run("config", "diff").count("no difference") == 2
    bench[SW].ports[gi(7)][1] = "switchport access vlan 30"
    bench[SW].head[1] = "snmp-server community another RO"
    said = bench.run("config", "diff", SW, code=1)
    assert "- switchport access vlan 20\n+ switchport access vlan 30" in said
    assert len(set(re.findall(r"<secret \w+>", said))) == 2, "the changed community shows by its fingerprint"
    assert CANARY not in said
    assert [one["same"] for one in bench.json("config", "diff", code=1)] == [False, True]
    del bench.closet.switches["sw-b2-2"]  # type: ignore[attr-defined]
    assert "sw-b2-2: could not be asked: nobody answers" in bench.run("config", "diff", code=3)


def test_diff_of_two_times_opens_no_connection(bench: Bench) -> None:
    bench.run("config", "archive")
    first = bench.json("config", "log")[0]["commit"]
    bench[SW].ports[gi(7)] = []
    bench.run("config", "archive")
    second = bench.json("config", "log")[0]["commit"]
    bench.closet.switches.clear()  # type: ignore[attr-defined]
    said = bench.run("config", "diff", SW, "--from", first, "--to", second, code=1)
    assert "-interface" not in said
    assert f"- {DESK[0]}" in said
    assert "no difference" in bench.run("config", "diff", "--from", second, "--to", second)


# ------------------------------------------------------------------------------------------------------- restore


def test_restore_is_shown_applied_read_back_and_undoable(bench: Bench) -> None:
    bench.run("config", "archive")
    wrong = ["description somebody else", "switchport access vlan 30", "shutdown"]
    bench[SW].ports[gi(7)], bench[SW].ports[gi(8)] = list(wrong), ["shutdown"]
    plan = bench.run("config", "restore", SW, "Gi1/0/7", "--yes")
    assert "section of port GigabitEthernet1/0/7" in plan
    assert "only ports are restored, other lines of the configuration stay" in plan
    assert "Run 1: done" in plan
    assert bench[SW].ports[gi(7)] == DESK
    assert bench[SW].ports[gi(8)] == ["shutdown"]
    assert bench[SW].saves == 1
    assert bench[SW].sent == [f"default interface {gi(7)}", f"interface {gi(7)}", *DESK, "exit", "configure terminal"]
    assert "shutdown" in bench.run("config", "show", SW, "--at", "run 1")
    bench.run("undo", "1", "--yes")
    assert bench[SW].ports[gi(7)] == wrong


def test_a_dry_run_shows_the_plan_and_changes_nothing(bench: Bench) -> None:
    bench.run("config", "archive")
    assert "0 to change" in bench.run("config", "restore", SW, "--dry-run")
    bench[SW].ports[gi(7)] = ["shutdown"]
    assert f"default interface {gi(7)}" in bench.run("config", "restore", SW, "--dry-run", code=2)
    (change,) = bench.json("config", "restore", SW, "--dry-run", code=2)["changes"]
    assert change["key"] == gi(7)
    assert "leave one of them out" in bench.run("config", "restore", SW, "--dry-run", "--report", "x.json", code=1)
    assert bench[SW].sent == []
    assert not bench.site.has_ledger


def test_restore_of_all_leaves_what_is_the_same_and_what_is_no_desk(bench: Bench) -> None:
    bench[SW].ports[gi(9)] = ["channel-group 1 mode active"]
    bench[SW].ports[gi(10)] = ["switchport mode trunk"]
    bench[SW].ports[gi(11)] = ["ip ospf authentication-key CANARYospf"]
    bench.run("config", "archive")
    first = bench.json("config", "log")[0]["commit"]
    bench[SW].ports[gi(7)], bench[SW].ports[gi(9)], bench[SW].ports[gi(8)] = [], [], ["shutdown"]
    bench.run("config", "archive")
    done = bench.json("config", "restore", SW, "--at", first, "--yes")
    assert sorted(change["key"] for change in done["changes"]) == [gi(7), gi(8)]
    assert (bench[SW].ports[gi(7)], bench[SW].ports[gi(8)], bench[SW].ports[gi(9)]) == (DESK, [], [])
    warnings = "\n".join(done["warnings"])
    assert f"{gi(9)}: not restored, in the archive it belongs to port channel 1" in warnings
    assert f"{gi(10)}: not restored, in the archive its mode is trunk" in warnings
    assert f"{gi(11)}: not restored, its section holds a secret" in warnings
    assert f"{gi(23)}, {gi(24)}: not restored, the site lists it as an uplink" in warnings
    assert bench.json("config", "restore", SW, "--at", first, "--yes")["state"] == "unchanged"


def test_a_port_that_became_a_trunk_or_holds_a_secret_is_left_alone(bench: Bench) -> None:
    bench.run("config", "archive")
    for number, line in ((7, "switchport mode trunk"), (8, "ip ospf authentication-key 7 045802150C2E")):
        bench[SW].ports[gi(number)] = [line]
        done = bench.json("config", "restore", SW, gi(number), "--yes", code=3)
        (change,) = done["changes"]
        assert "was not touched: " in change["error"]
        assert ("its mode is trunk" in change["error"]) == (number == 7)
        assert ("its present section holds a secret" in change["error"]) == (number == 8)
        assert "045802150C2E" not in json.dumps(done)
    assert bench[SW].sent == []
    assert "045802150C2E" not in ledger_octets(bench.folder.parent).decode(errors="replace")


@pytest.mark.parametrize("fault", ["refuses", "ignores"])
def test_what_the_switch_refuses_or_swallows_is_taken_back(bench: Bench, fault: str) -> None:
    bench.run("config", "archive")
    bench[SW].ports[gi(7)], bench[SW].ports[gi(1)] = ["shutdown"], ["shutdown"]
    setattr(bench[SW], fault, "^switchport access vlan 20")
    done = bench.json("config", "restore", SW, "Gi1/0/7", "Gi1/0/1", "--yes", code=3)
    errors = {change["key"]: change["error"] for change in done["changes"]}
    assert errors[gi(1)] is None
    assert errors[gi(7)].endswith("its former lines are in place")
    assert ("rejected the line 'switchport access vlan 20'" in errors[gi(7)]) == (fault == "refuses")
    assert (bench[SW].ports[gi(7)], bench[SW].ports[gi(1)]) == (["shutdown"], [])


def test_a_request_survives_the_ledger() -> None:
    request = RestoreSections("sw-a", "abc1234567", "2026-11-20", {gi(7): tuple(DESK), gi(8): ()}, ("left",))
    assert from_plain(json.loads(json.dumps(request.to_plain()))) == request


def test_a_section_in_a_protected_vlan_needs_the_same_approval(bench: Bench) -> None:
    inventory = bench.site.inventory
    address = Address("switch.section", f"switch:{SW}", gi(20))

    def asked(before: Sequence[str], *after: str) -> set[str]:
        change: Change[Any] = Change(address, InterfaceSection(lines=tuple(before)), InterfaceSection(lines=after))
        return {sentence for found in grounds(inventory, [change], {}).values() for sentence in found}

    assert asked((), "switchport access vlan 20") == set()
    assert asked((), "switchport access vlan 99") == {f"port {gi(20)} of {SW} (nobody known) gets the VLAN management"}
    assert asked(["switchport access vlan 99"], "switchport access vlan 99", "shutdown") == set()


def test_differences_name_lines() -> None:
    one, other = InterfaceSection(lines=("a", "b")), InterfaceSection(lines=("b", "c"))
    assert other.differences(one) == {"lines[a]": (True, None), "lines[c]": (None, True)}
    assert InterfaceSection(lines=("b", "a")).differences(one) == {"lines": (("a", "b"), ("b", "a"))}
    assert one.agrees_with(InterfaceSection(lines=("a", "b")))
    assert not InterfaceSection(lines=()).agrees_with(one)
    assert InterfaceSection.from_plain(one.to_plain()) == one


# ------------------------------------------------------------------------------------------ before each change


def change_a_port(bench: Bench, number: int, vlan: int) -> Any:
    """A run of its own that changes one port."""
    site, key = bench.site, f"GigabitEthernet1/0/{number}"
    found = SwitchPort.of(bench[SW].dialect.read_ports([bench[SW].show("show running-config")])[key])
    wanted = SwitchPort(access_vlan=vlan, mode="access")
    change: Change[Any] = Change(Address("switch.port", f"switch:{SW}", key), wanted.view_of(found), wanted)
    run = site.ledger.begin("patch the desk", {"procedure": "patch"}, [change])
    return site.resume(run.id)


def test_the_configuration_before_each_run_is_kept_and_names_the_run(bench: Bench) -> None:
    assert change_a_port(bench, 7, 30).state == "done"
    (revision,) = bench.kept.log()
    assert (revision.run, revision.title, revision.switches) == (1, "Before run 1: patch the desk", (SW,))
    assert " switchport access vlan 20" in bench.run("config", "show", SW, "--at", "run 1")
    assert bench.run("config", "diff", SW, "--from", "run 1", code=1).count("switchport access vlan") == 2
    assert [one["switch"] for one in bench.json("config", "diff", "--from", "run 1", code=1)] == [SW]
    assert "nothing was kept before run 9; it changed no switch" in bench.refused("config", "diff", "--from", "run 9")
    assert change_a_port(bench, 8, 30).state == "done"
    assert configurations.before_run(bench.site, 2) is not None


def test_nothing_is_changed_on_a_switch_whose_configuration_cannot_be_kept(bench: Bench) -> None:
    bench.archive.mkdir(mode=0o755)
    bench.archive.chmod(0o755)
    run = change_a_port(bench, 7, 30)
    assert run.state == "partial"
    (change,) = run.record.changes
    assert "not changed, as its configuration was not archived first: " in change.error
    assert "chmod 700" in change.error
    assert bench[SW].sent == []
    bench.archive.chmod(0o700)
    assert bench.site.resume(run.id).state == "done"
    assert " switchport access vlan 20" in bench.run("config", "show", SW, "--at", "run 1")


def test_show_run_names_the_commit(bench: Bench) -> None:
    change_a_port(bench, 7, 30)
    revision = configurations.before_run(bench.site, 1)
    assert revision is not None
    assert f"Kept before it: the configuration of {SW} (commit {revision.short})." in bench.run("show", "run", "1")


# -------------------------------------------------------------------------------------------------- the worker


def test_a_worker_keeps_a_round_and_tells_of_switches_that_stay_away(bench: Bench) -> None:
    site = bench.site
    errand = Errands(site)
    said = errand(Errand("archive", 5), threading.Event())
    assert said is not None
    assert said.startswith("Archive: 2 configurations looked at, sw-b2-1, sw-b2-2 new, kept as commit ")
    assert site.ledger.has_entry(repeated_key("archive", 5))
    del bench.closet.switches["sw-b2-2"]  # type: ignore[attr-defined]
    for number in (6, 7):
        said = errand(Errand("archive", number), threading.Event())
        assert said == (
            "Archive: 1 configuration looked at, nothing new; could not read sw-b2-2. "
            "`provision config log` lists what is kept."
        )
    told = [entry.sentence for entry in site.ledger.worklog() if "could not be read" in entry.sentence]
    assert told == ["Archive: switch sw-b2-2 could not be read: nobody answers; is it switched on?."]


def test_no_secret_is_left_in_anything_that_was_written(bench: Bench) -> None:
    bench.run("config", "archive")
    change_a_port(bench, 7, 30)
    bench.run("config", "restore", SW, "Gi1/0/7", "--at", "run 1", "--yes")
    listed = ["git", "--git-dir", str(bench.archive / "configurations.git"), "cat-file", "--batch-all-objects"]
    unpacked = subprocess.run([*listed, "--batch"], check=True, capture_output=True).stdout
    assert b"snmp-server community <secret " in unpacked
    assert CANARY.encode() not in unpacked
    written = {file: file.read_bytes() for file in bench.folder.parent.rglob("*") if file.is_file()}
    assert [file for file, text in written.items() if CANARY.encode() in text] == []


@pytest.mark.parametrize("text", ["run 7", "run:7", "run7"])
def test_runs_in_words(bench: Bench, text: str) -> None:
    assert configurations.moment_of(bench.site.inventory, text) == 7


def test_a_day_means_its_end(bench: Bench) -> None:
    moment = configurations.moment_of(bench.site.inventory, "2026-01-20")
    assert str(moment) in {"2026-01-20 22:59:59+00:00", "2026-01-20 23:59:59+00:00"}
    with pytest.raises(RequestError, match="is no time"):
        configurations.moment_of(bench.site.inventory, "20.1.2026")
