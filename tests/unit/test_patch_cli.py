"""`provision patch` and `provision orders`, on switches in memory: the whole way of an order, and every refusal."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioning.api import Site, onboard, patching
from provisioning.cli.program import PROGRAM
from provisioning.errors import RequestError
from provisioning.procedures.base import Accounts
from provisioning.resources.switch.occupancy import seen
from tests.unit.cli_office import write_site
from tests.unit.closet import Closet, FakeSwitch, gi, switch

PC, OTHER = "02:00:5e:10:00:51", "02:00:5e:10:00:61"
DESK = ("patch", "B2-05A", "--to", "B-205-1")


@dataclass
class Bench:
    """A site whose outlet B2-05A (workplace B-205-1) has no cable, and its two switches."""

    folder: Path
    closet: Closet

    @property
    def site(self) -> Site:
        return Site.load(self.folder)

    def __getitem__(self, name: str) -> FakeSwitch:
        return self.closet.switches[name]

    def run(self, *words: str, code: int = 0) -> str:
        """What the program says; its exit code must be `code`."""
        done = CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words])
        assert done.exit_code == code, done.output
        return done.output

    def json(self, *words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(PROGRAM, ["--site", str(self.folder), *words, "--output", "json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    @property
    def sent(self) -> list[str]:
        return [line for device in self.closet.switches.values() for line in device.sent]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    folder = write_site(tmp_path)
    outlets = folder / "outlets.csv"
    text = outlets.read_text(encoding="utf-8")
    outlets.write_text(text.replace("B2-05A,C-B2,P2,2,sw-b2-2,GigabitEthernet1/0/2", "B2-05A,C-B2,P2,2,,"), "utf-8")
    inventory = Site.load(folder).inventory
    closet = Closet({name: switch(inventory, name) for name in inventory.network.switches})

    @contextmanager
    def connect(_: Site, *, anew: bool = False) -> Iterator[Closet]:
        yield closet

    monkeypatch.setattr(Site, "connect", connect)
    monkeypatch.setattr(patching, "EVERY", 0.02)
    return Bench(folder, closet)


def technician(monkeypatch: pytest.MonkeyPatch, switch_name: str, steps: dict[int, Callable[[], object]]) -> None:
    """Let somebody do things before the n-th look at a switch (the first is 0)."""
    looks = itertools.count()

    def looked(session: Any) -> Any:
        if session.name == switch_name:
            steps.get(next(looks), lambda: None)()
        return seen(session)

    monkeypatch.setattr(patching, "seen", looked)


# ------------------------------------------------------------------------------------------------ the whole way


def test_a_dry_run_shows_all_and_does_nothing(bench: Bench, tmp_path: Path) -> None:
    page = tmp_path / "order.html"
    said = bench.run(*DESK, "--dry-run", "--page", str(page), code=2)
    assert "typed on the device:\n        interface GigabitEthernet1/0/2\n" in said
    assert "port GigabitEthernet1/0/2" in said
    assert "access VLAN: 1 → 20" in said
    assert "Patch order (not given out yet)\n  Outlet  B2-05A in room B-205\n" in said
    assert "To      switch sw-b2-2, unit 1, port Gi1/0/2" in said
    assert "nothing was configured" in page.read_text(encoding="utf-8")
    assert bench.sent == []
    assert not bench.site.has_ledger, "looking makes no ledger"
    assert bench.json(*DESK, "--dry-run", code=2)["patch_order"]["switch_port"] == gi(2)


def test_patched_again_it_stays_and_undone_it_is_free(bench: Bench, tmp_path: Path) -> None:
    page = tmp_path / "order.html"
    said = bench.run(*DESK, "--yes", "--page", str(page))
    assert "Patch order 1 — open" in said
    assert "Run 1: done" in said
    assert "Patch order 1" in page.read_text(encoding="utf-8")
    lines = ["description B-205-1 B2-05A WS-0051", "switchport mode access"]
    assert bench["sw-b2-2"].ports[gi(2)][:2] == lines
    assert bench["sw-b2-2"].saves == 1
    assert "→ sw-b2-2 GigabitEthernet1/0/2" in bench.run("show", "outlet", "B2-05A")

    again = bench.run(*DESK, "--yes")
    assert "outlet B2-05A is patched to sw-b2-2 GigabitEthernet1/0/2 already (patch order 1, open); it stays" in again
    assert len(bench.site.runs()) == 1
    other = bench.run("patch", "B2-08C", "--to", "guest", "--yes")
    assert "port Gi1/0/12" in other, "the first one is nobody else's"
    assert [row["outlet"] for row in bench.json("orders")] == ["B2-08C", "B2-05A"]

    bench.run("undo", "1", "--yes")
    assert bench["sw-b2-2"].ports[gi(2)] == []
    assert [row["outlet"] for row in bench.json("orders")] == ["B2-08C"]
    assert "run 1 was taken back" in bench.run("orders", "show", "1")
    assert bench.site.ledger.port_holders() == {("sw-b2-2", gi(12)): "B2-08C"}
    assert bench.site.ledger.verify().breaks == ()
    assert "port Gi1/0/2" in bench.run(*DESK, "--yes"), "it is free again"


def test_onboarding_works_for_an_outlet_that_was_patched_by_order(bench: Bench) -> None:
    request = onboard("E1007")
    with pytest.raises(RequestError, match="`provision patch B2-05A --to B-205-1` picks one"):
        request.compile(bench.site.wired, Accounts())
    bench.run(*DESK, "--yes")
    (port,) = [r for r in request.compile(bench.site.wired, Accounts()).resources if r.kind == "switch.port"]
    assert (port.target, port.key) == ("switch:sw-b2-2", gi(2))
    assert bench.site.plan(patching.patch_request(bench.site, "B2-05A", "B-205-1")[0]).is_empty


def test_waiting_ends_with_the_right_device_and_the_proof(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    device, other = bench["sw-b2-2"], bench["sw-b2-1"]

    def to_the_other_switch() -> None:
        device.unplug(gi(2))
        other.plug(gi(15), PC, 1)

    def to_the_wrong_socket() -> None:
        other.unplug(gi(15))
        device.plug(gi(9), PC, 20)

    steps: dict[int, Callable[[], object]] = {
        1: lambda: device.plug(gi(2), OTHER, 20),
        3: to_the_other_switch,
        7: to_the_wrong_socket,
        8: lambda: device.plug(gi(2), PC, 20),
    }
    technician(monkeypatch, "sw-b2-2", steps)
    said = bench.run(*DESK, "--yes", "--wait", "20")
    assert [line for line in said.splitlines() if line.startswith(("… ", "✓ WS"))] == [
        "… Gi1/0/2 has no link; expected WS-0051",
        "… Gi1/0/2 is up with the MAC of WS-0061; expected WS-0051",
        "… Gi1/0/2 has no link; expected WS-0051",
        "… WS-0051 is on Gi1/0/15 of sw-b2-1: the cable is in the wrong socket",
        "… WS-0051 is on Gi1/0/9: the cable is in the wrong socket",
        "✓ WS-0051 is on Gi1/0/2 of sw-b2-2 in VLAN 20",
    ]
    order = bench.site.ledger.patch_order(1)
    assert (order.state, order.proof and order.proof["mac"]) == ("closed", PC)
    assert "no patch order is open" not in bench.run("orders", "--all").casefold()
    assert "No patch order is open" in bench.run("orders")
    assert bench.run(*DESK, "--yes", "--wait").count("patch order 1, closed") == 1


def test_a_cable_that_never_comes_leaves_the_order_open(bench: Bench) -> None:
    said = bench.run(*DESK, "--yes", "--wait", "1", code=3)
    assert "Patch order 1 stays open. When the cable lies: provision orders close 1 --wait" in said
    assert "Gi1/0/2 has no link; expected WS-0051" in bench.run("orders", "close", "1", code=3)
    bench["sw-b2-2"].plug(gi(2), PC, 20)
    assert "Patch order 1 — closed: the cable lies" in bench.run("orders", "close", "1")
    assert "closed: the cable lies" in bench.run("orders", "close", "1"), "twice is once"
    said = bench.run("orders", "cancel", "1", "--reason", "no", code=1)
    assert "patch order 1 is closed: the cable lies; `provision undo 1` takes it back" in said


def test_ctrl_c_leaves_the_order_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(patching, "watch", interrupted)
    assert "Patch order 1 stays open" in bench.run(*DESK, "--yes", "--wait", code=3)
    assert bench.site.ledger.patch_order(1).state == "open"
    assert bench.site.run(1).state == "done"


def test_as_json_it_is_one_document(bench: Bench) -> None:
    told = bench.json(*DESK, "--yes", "--wait", "1", code=3)
    assert (told["state"], told["patch_order"]["number"], told["patch_order"]["state"]) == ("done", 1, "open")
    assert told["seen"] == "Gi1/0/2 has no link; expected WS-0051"
    assert bench.json("orders", "show", "1")["expected"] == "WS-0051"
    assert bench.json("orders", "cancel", "1", "--reason", "moved out")["reason"] == "moved out"


def test_cancelling_keeps_the_port_as_it_is_and_gives_it_up(bench: Bench) -> None:
    bench.run(*DESK, "--yes")
    said = bench.run("orders", "cancel", "1", "--reason", "wall torn down")
    assert "`provision undo 1` takes that back" in said
    assert bench.site.ledger.port_holders() == {}
    assert "switchport access vlan 20" in bench["sw-b2-2"].ports[gi(2)]
    assert "was cancelled (wall torn down)" in bench.run("orders", "close", "1", code=1)
    said = bench.run("orders", "cancel", "1", "--reason", "again")
    assert "It was cancelled before; nothing was changed." in said
    assert "wall torn down" in said
    assert "port Gi1/0/12" in bench.run(*DESK, "--dry-run", code=2), "on the device it is not free"


# ------------------------------------------------------------------------------------------ who gets which port


def test_two_that_plan_at_once_get_two_ports(bench: Bench) -> None:
    one, two = bench.site, bench.site
    mine = one.plan(patching.patch_request(one, "B2-05A", "B-205-1")[0])
    theirs = two.plan(patching.patch_request(two, "B2-08C", "guest")[0])
    assert mine.changes[0].key == gi(2)
    assert theirs.changes[0].key == gi(2)
    mine.apply()
    with pytest.raises(RequestError, match="was given to another outlet since this was planned; patch again"):
        theirs.apply()
    assert len(one.runs()) == 1
    again = two.plan(patching.patch_request(two, "B2-08C", "guest")[0])
    assert again.changes[0].key == gi(12)


def test_a_protected_vlan_waits_for_approval_and_only_then_there_is_an_order(bench: Bench) -> None:
    network = bench.folder / "network.yml"
    network.write_text(network.read_text("utf-8").replace("access_vlan: guests", "access_vlan: management"), "utf-8")
    said = bench.run("patch", "B2-08C", "--to", "guest", "--yes")
    assert "Needs approval" in said
    assert bench.sent == []
    assert bench.json("orders") == []
    (record,) = bench.site.requests()
    assert record.state == "awaiting approval"
    assert set(record.needs) == {"network", "security"}
    for role, user in (("network", "uenal.yilmaz"), ("security", "hannah.brandt")):
        bench.site.ledger.approve(record.id, role, "ok", who=user)
    assert "proven" in bench.run("due")
    assert [row["for"] if "for" in row else row["purpose"] for row in bench.json("orders")] == ["guest"]


def test_a_switch_that_does_not_answer_is_named_and_the_other_one_is_taken(bench: Bench) -> None:
    del bench.closet.switches["sw-b2-2"]  # type: ignore[attr-defined]
    said = bench.run(*DESK, "--dry-run", code=2)
    assert "Warning: switch:sw-b2-2 was not asked for a free port: nobody answers" in said
    assert "switch sw-b2-1" in said
    del bench.closet.switches["sw-b2-1"]  # type: ignore[attr-defined]
    assert "nobody answers" in bench.run(*DESK, "--yes", code=1)
    assert not bench.site.has_ledger


def test_a_full_closet_says_who_has_what_and_the_spare_may_be_used(bench: Bench) -> None:
    for name in ("sw-b2-1", "sw-b2-2"):
        device = bench[name]
        for port in list(device.ports)[:20]:
            device.ports[port] = ["description in use"]
        device.links |= {gi(21)}
    said = bench.run(*DESK, "--yes", code=1)
    assert (
        "closet C-B2 has no free port for outlet B2-05A. sw-b2-2: 24 ports, 23 in use, 1 free and kept as spare" in said
    )
    assert not bench.site.has_ledger
    assert bench.sent == []
    assert "port Gi1/0/22" in bench.run(*DESK, "--use-spare", "--yes")


def test_a_port_that_the_files_name_is_only_configured(bench: Bench) -> None:
    said = bench.run("patch", "B2-06A", "--to", "B-206-1", "--yes")
    assert "outlet B2-06A is patched to sw-b2-2 GigabitEthernet1/0/5 already (the site's files); it stays there" in said
    assert bench.site.ledger.port_holders() == {}
    assert [order.switch_port for order in bench.site.ledger.patch_orders()] == [gi(5)]


# ---------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("patch", "B2-05X", "--to", "guest", "--yes"), "no outlet 'B2-05X'; did you mean 'B2-05"),
        (("patch", "B2-05A", "--to", "B-205-9", "--yes"), "did you mean 'B-205-"),
        (("patch", "B2-05A", "--to", "B-205-2", "--yes"), "workplace B-205-2 is plugged into outlet B2-05B"),
        (("patch", "B2-05A"), "Missing option '--to'"),
        (("patch", "B2-05A", "--to", "guest"), "there is no terminal to ask on"),
        (("patch", "B2-05A", "--to", "guest", "--wait", "soon"), "'soon' is not a valid float range"),
        (("patch", "B2-05A", "--to", "guest", "--dry-run", "--wait"), "nothing to wait for"),
        (("patch", "B2-05A", "--to", "guest", "--yes", "--page", "x.pdf"), "expected a file name that ends in .html"),
        (("patch", "B2-05A", "--to", "guest", "--yes", "--page", "/no/x.html"), "there is no folder /no"),
        (("orders", "show", "7"), "there is no patch order 7: this site has no ledger yet"),
        (("orders", "show", "x"), "'x' is not a valid integer"),
        (("orders", "close", "7"), "there is no patch order 7"),
        (("orders", "cancel", "7", "--reason", "r"), "there is no patch order 7"),
        (("orders", "cancel", "7", "--reason", " "), "--reason is empty"),
        (("orders", "cancel", "7"), "Missing option '--reason'"),
        (("orders", "shwo", "7"), "No such command 'shwo'"),
        (("order",), "did you mean 'orders'?"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_changes(bench: Bench, words: Sequence[str], said: str) -> None:
    assert said in " ".join(bench.run(*words, code=1).split())
    assert bench.sent == []
    assert not bench.site.has_ledger


def test_an_order_number_that_the_ledger_does_not_have(bench: Bench) -> None:
    bench.run(*DESK, "--yes")
    assert "has no patch order 7; `provision orders --all` lists them" in bench.run("orders", "show", "7", code=1)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["switchport mode trunk"], "it is a trunk"),
        (["channel-group 3 mode active"], "it belongs to port channel 3"),
        (["no switchport"], "its mode is routed"),
    ],
)
def test_a_port_of_the_files_that_leads_on_is_refused_before_anything_is_ordered(
    bench: Bench, lines: list[str], why: str
) -> None:
    bench["sw-b2-1"].ports[gi(12)] = lines
    said = bench.run("patch", "B2-04C", "--to", "B-204-3", "--yes", code=1)
    assert f"Error: {gi(12)} of sw-b2-1 is no port for B-204-3: {why}; look whether the outlet's switch_port" in said
    assert (bench.sent, bench.site.has_ledger) == ([], False)


def test_a_port_that_cannot_be_set_sends_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench["sw-b2-2"], "_take", lambda port, line: None)
    said = bench.run(*DESK, "--yes", "--wait", "1", code=3)
    assert "The port is not set yet: the cable can wait until `provision resume 1`." in said
    assert "Waiting up to" not in said
