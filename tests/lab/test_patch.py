"""Patching on real servers: SSH command lines over Open vSwitch, and a technician who plugs cables."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.api import Site, patching
from provisioning.api.finding import find
from provisioning.lab.desks import Phone
from provisioning.lab.network import Desk
from provisioning.lab.office import Office
from provisioning.lab.site_copy import write_site
from provisioning.lab.ssh_service import ensure_password
from provisioning.procedures.patch_proof import Verdict
from tests.conftest import EXAMPLE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

NUMBER = 144
PC, OTHER = "02:00:5e:10:00:51", "02:00:5e:10:00:61"
PORT, WRONG = "GigabitEthernet1/0/2", "GigabitEthernet1/0/9"


@pytest.fixture(scope="module")
def closet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The network of a lab of its own (nothing else of it), where outlet B2-05A has no cable."""
    folder = tmp_path_factory.mktemp("patch") / "site"
    write_site(EXAMPLE, folder, NUMBER)
    outlets = folder / "outlets.csv"
    text = outlets.read_text(encoding="utf-8")
    outlets.write_text(text.replace(f"P2,2,sw-b2-2,{PORT}", "P2,2,,"), encoding="utf-8")
    lab = Office(folder, NUMBER)
    lab.secrets.mkdir(mode=0o700, parents=True)
    for name in ("switch", "dhcp"):
        ensure_password(lab.secrets / name)
    try:
        lab.network.up()
        lab.switches.up()
        (lab.folder / "known_hosts").write_text(lab.switches.known_hosts.read_text())
        yield lab
    finally:
        lab.down(lambda _: None)


@pytest.fixture
def site(closet: Office) -> Site:
    return Site.load(closet.site_folder)


def config(site: Site, port: str) -> str:
    with site.connect() as pool, pool.session("switch:sw-b2-2") as session:
        return str(session.show(f"show running-config interface {port}"))


def provision(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "provisioning.cli", "--site", str(site.inventory.folder), *words]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_an_outlet_is_patched_proven_and_taken_back(closet: Office, site: Site, tmp_path: Path) -> None:
    before = config(site, PORT)
    page = tmp_path / "order.html"
    done = provision(site, "patch", "B2-05A", "--to", "B-205-1", "--yes", "--page", str(page), "--wait", "1")
    assert done.returncode == 3, done.stderr
    assert "Gi1/0/2 has no link; expected WS-0051" in done.stdout
    assert "aria-label" in page.read_text(encoding="utf-8")
    assert " switchport access vlan 20" in config(site, PORT)
    order = site.ledger.patch_order(1)
    assert (order.switch, order.switch_port, order.state) == ("sw-b2-2", PORT, "open")

    said = [verdict.sentence for verdict in _while_plugging(closet, site)]
    assert said == [
        "Gi1/0/2 has no link; expected WS-0051",
        "Gi1/0/2 is up with the MAC of WS-0061; expected WS-0051",
        "Gi1/0/2 has no link; expected WS-0051",
        "WS-0051 is on Gi1/0/9: the cable is in the wrong socket",
        "Gi1/0/2 has no link; expected WS-0051",
        "WS-0051 is on Gi1/0/2 of sw-b2-2 in VLAN 20",
    ]
    proof = site.ledger.patch_order(1).proof
    assert proof is not None
    assert (proof["mac"], proof["vlan"], proof["port"]) == (PC, 20, PORT)

    assert provision(site, "undo", "1", "--yes").returncode == 0
    assert config(site, PORT) == before
    assert site.ledger.port_holders() == {}
    assert site.ledger.patch_order(1).state == "cancelled"


def _while_plugging(closet: Office, site: Site) -> Iterator[Verdict]:
    """What is seen while the technician errs twice; he does the next thing when the last one was noticed."""

    def plug(name: str, mac: str, port: str) -> None:
        closet.network.plug(Desk(name, mac, "sw-b2-2", port))

    steps: Iterator[Callable[[], None]] = iter(
        [
            lambda: plug("t1", OTHER, PORT),
            lambda: closet.network.unplug("t1"),
            lambda: plug("t2", PC, WRONG),
            lambda: closet.network.unplug("t2"),
            lambda: plug("t3", PC, PORT),
        ]
    )
    for verdict in patching.watch(site, site.ledger.patch_order(1), seconds=60):
        if "no device has spoken there yet" not in verdict.sentence:
            yield verdict
            if (step := next(steps, None)) is not None:
                step()
    closet.network.unplug("t3")


def test_a_port_with_a_device_on_it_is_not_given_out(closet: Office, site: Site) -> None:
    closet.network.plug(Desk("t9", "02:aa:00:00:00:09", "sw-b2-2", PORT))
    try:
        request, missing = patching.patch_request(site, "B2-05A", "B-205-1")
    finally:
        closet.network.unplug("t9")
    assert missing == ()
    assert (request.switch, request.port) == ("sw-b2-2", "GigabitEthernet1/0/12")
    assert PORT in request.busy


# -- trunks ----------------------------------------------------------------------------------------------


TRUNK = "GigabitEthernet1/0/20"


@pytest.fixture
def trunk(site: Site) -> Iterator[str]:
    """A trunk for two VLANs that somebody set up by hand; gives its section."""
    configure(site, f"interface {TRUNK}", "switchport mode trunk", "switchport trunk allowed vlan 30,90")
    yield config(site, TRUNK)
    configure(site, f"default interface {TRUNK}")


def configure(site: Site, *lines: str) -> None:
    with site.connect() as pool, pool.session("switch:sw-b2-2") as session:
        session.configure(lines)


def section(text: str) -> str:
    """Without what the switch says about its length."""
    return text[text.index("interface") :]


def rewired(site: Site, folder: Path, outlet: str, port: str) -> Site:
    """The same site, where the cable of an outlet lies on another port of sw-b2-2 and the switch lists no uplinks."""
    shutil.copytree(site.inventory.folder, folder)
    outlets, network = folder / "outlets.csv", folder / "network.yml"
    text = re.sub(rf"(?m)^({outlet},\S+?,P2,\d+),.*$", rf"\1,sw-b2-2,{port}", outlets.read_text(encoding="utf-8"))
    outlets.write_text(text, encoding="utf-8")
    head, _, tail = network.read_text(encoding="utf-8").rpartition("uplinks: ")
    network.write_text(f"{head}uplinks: []\n{tail.partition(chr(10))[2]}", encoding="utf-8")
    return Site.load(folder)


def test_an_access_point_adds_its_vlans_to_a_trunk_and_undo_takes_only_those(
    site: Site, trunk: str, tmp_path: Path
) -> None:
    wired = rewired(site, tmp_path / "site", "B2-08C", TRUNK)
    planned = provision(wired, "patch", "B2-08C", "--to", "access-point", "--dry-run")
    assert planned.returncode == 2, planned.stderr
    assert "allowed VLANs[20]: – → yes" in planned.stdout
    assert "allowed VLANs[90]" not in planned.stdout, "it is there already"

    done = provision(wired, "patch", "B2-08C", "--to", "access-point", "--yes")
    assert done.returncode == 0, done.stderr
    assert [line for line in config(site, TRUNK).splitlines() if "trunk" in line] == [
        " switchport trunk native vlan 20",
        " switchport trunk allowed vlan 20,30,90",
        " switchport mode trunk",
    ]
    configure(site, f"interface {TRUNK}", "switchport trunk allowed vlan add 120")  # somebody else's, meanwhile
    run = wired.ledger.runs(1)[0].id
    assert provision(wired, "undo", str(run), "--yes").returncode == 0
    assert section(config(site, TRUNK)) == section(trunk).replace("30,90", "30,90,120")


@pytest.mark.parametrize(
    ("port", "reason"),
    [(TRUNK, "it is a trunk"), ("GigabitEthernet1/0/24", "it is a trunk"),
     ("GigabitEthernet1/0/19", "it belongs to port channel 3")],
)  # fmt: skip
@pytest.mark.usefixtures("trunk")
def test_no_desk_is_patched_to_a_port_that_leads_on(site: Site, tmp_path: Path, port: str, reason: str) -> None:
    configure(site, "interface GigabitEthernet1/0/19", "channel-group 3 mode active")
    wired, before = rewired(site, tmp_path / "site", "B2-05A", port), config(site, port)
    runs = len(site.ledger.runs())
    done = provision(wired, "patch", "B2-05A", "--to", "B-205-1", "--yes")
    assert done.returncode == 1
    assert f"{port} of sw-b2-2 is no port for B-205-1: {reason}" in done.stderr
    assert (config(site, port), len(site.ledger.runs())) == (before, runs)
    assert provision(wired, "orders", "--output", "json").stdout == "[]\n"
    configure(site, "default interface GigabitEthernet1/0/19")


# -- telephones ------------------------------------------------------------------------------------------


def test_a_telephone_and_the_pc_behind_it_are_both_found(closet: Office, site: Site) -> None:
    phone = Phone("00:04:f2:aa:00:01", 120)
    assert provision(site, "patch", "B2-05A", "--to", "B-205-1", "--yes").returncode == 0
    closet.network.plug(Desk("t5", PC, "sw-b2-2", PORT, phone=phone))
    try:
        order = site.ledger.patch_orders(1)[0]
        sentences = [verdict.sentence for verdict in patching.watch(site, order, seconds=30)]
        assert sentences[-1] == "WS-0051 is on Gi1/0/2 of sw-b2-2 in VLAN 20"
        deadline = time.monotonic() + 20
        while (pc := find(site, "WS-0051").located[0]).places[0].others == 0 and time.monotonic() < deadline:
            time.sleep(0.3)
        assert (pc.verdict, pc.places[0].at.port, pc.places[0].vlans, pc.places[0].others) == ("agrees", PORT, (20,), 1)
        there = find(site, phone.mac)
        (place,) = there.located[0].places
        assert (place.at.switch, place.at.port, place.vlans, there.agrees) == ("sw-b2-2", PORT, (120,), True)
        assert any(one.name == "SEP0004F2AA0001" for one in place.at.neighbours)
    finally:
        closet.network.unplug("t5")
        provision(site, "undo", str(site.ledger.runs(1)[0].id), "--yes")
