"""Switches that misbehave in the middle of a run: what is on the device afterwards, and how the run ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.api import Site
from provisioning.api.plan import Run
from provisioning.connections import switch
from provisioning.connections.pool import Pool
from provisioning.errors import CredentialError, RejectedError, TrustError, UnreachableError
from provisioning.lab.process import wait_for
from provisioning.lab.switch import misbehaving
from provisioning.lab.switch.faults import BANNER
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.switch.keepsake import running_configuration
from provisioning.resources.switch.port import PORT, SwitchPort
from provisioning.resources.switch.proofs import DESK_ON_PORT
from provisioning.secrets import Secrets
from provisioning.site.runs import Runs
from tests.conftest import EXAMPLE
from tests.lab.network_bench import MAC_A, PORTS, Bench, Faults

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
TARGET, DESK, OTHER = "switch:sw-a", PORTS[6], PORTS[7]
FACTORY = SwitchPort(
    description=None, enabled=True, mode=None, access_vlan=1, voice_vlan=None, power=True, security_maximum=None,
    security_sticky=False, security_violation="shutdown", dot1x=None, storm_control=None, portfast=False,
    bpduguard=False, speed=None, duplex=None,
)  # fmt: skip
STAFF = SwitchPort(description="B-204-3 WS-0042", enabled=True, mode="access", access_vlan=20, voice_vlan=120)
LINES = [
    "description B-204-3 WS-0042",
    "switchport access vlan 20",
    "switchport mode access",
    "switchport voice vlan 120",
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench.make(tmp_path_factory.mktemp("faults"), 61)
    try:
        made.up()
        yield made
    finally:
        made.down()


class Office:
    """One switch of the bench as a site with a ledger of its own has it."""

    def __init__(self, bench: Bench, folder: Path, retries: int, **changes: object) -> None:
        here = bench.inventory(**changes)
        parts = {"network": here.network, "folder": here.folder, "ledger": folder / "ledger.sqlite"}
        runs = Runs(retries=retries)
        self.inventory = Site.load(EXAMPLE).inventory.model_copy(update={**parts, "runs": runs})
        self.site, self._bench = Site(self.inventory), bench

    def pool(self) -> Pool:
        secrets = Secrets(self._bench.folder, self._bench.folder / "handover")
        return Pool(self.inventory, secrets, {"switch": switch.open_session})

    def run(self, wanted: Mapping[str, SwitchPort], target: str = TARGET) -> Run:
        """A run of its own that brings ports of factory state there."""
        made: list[Change[Any]] = [
            Change(Address("switch.port", target, key), state.view_of(FACTORY), state) for key, state in wanted.items()
        ]
        return self.site.resume(self.site.ledger.begin("patch the desk", {"procedure": "patch"}, made).id)


@pytest.fixture
def make(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def made(retries: int = 0, **changes: object) -> Office:
        office = Office(bench, tmp_path, retries, **changes)

        @contextmanager
        def connect(_: Site, *, anew: bool = False) -> Iterator[Pool]:
            with office.pool() as pool:
                yield pool

        monkeypatch.setattr(Site, "connect", connect)
        return office

    return made


@pytest.fixture(autouse=True)
def factory(bench: Bench) -> None:
    """Ports in factory state, no change pending, an archive that makes guarded changes possible, all saved."""
    wait_for("the switch", bench.switches.running)
    with bench.pool() as pool, pool.session(TARGET) as session:
        session.revert()
        session.configure(["archive", "path flash:archive", *(f"default interface {port}" for port in PORTS[:24])])
        session.save()


def on_device(bench: Bench, port: str = DESK) -> list[str]:
    with bench.pool() as pool, pool.session(TARGET) as session:
        return [line.strip() for line in bench.section(session, port).splitlines() if line.startswith(" ")]


def pending(bench: Bench) -> bool:
    command = "show archive config rollback timer"
    with bench.pool() as pool, pool.session(TARGET) as session:
        return "Timer value" in session.show_all([command], optional=[command])[0]


def unguarded(bench: Bench) -> None:
    bench.type("sw-a", ["no archive"])


def startup(bench: Bench) -> str:
    return (bench.switches.folder / "sw-a" / "startup-config").read_text()


def sign_ins(bench: Bench) -> list[str]:
    return (bench.switches.folder / "sw-a" / "sign-ins").read_text().splitlines()


def faulty(bench: Bench, **faults: Any) -> Any:
    return misbehaving(bench.switches.faults_file("sw-a"), Faults(**faults))


def waits(run: Run) -> str:
    assert run.state == "waiting", [str(record.error) for record in run.record.changes]
    return run.waits_for[0].reason


def refused(run: Run) -> str:
    assert run.state == "partial", run.state
    return " ".join(str(record.error) for record in run.record.changes)


# -- a change that waits for its confirmation


def test_what_a_dead_process_left_unconfirmed_is_taken_back_at_once(bench: Bench, make: Any) -> None:
    with bench.pool() as pool, pool.session(TARGET) as session:
        session.send([f"interface {OTHER}", "description left behind"], guarded=True)
    assert pending(bench)
    assert make().run({DESK: STAFF}).state == "done"
    assert on_device(bench) == LINES
    assert on_device(bench, OTHER) == []
    assert not pending(bench)


def test_a_waiting_change_that_does_not_let_itself_be_taken_back_is_waited_for(bench: Bench, make: Any) -> None:
    office = make()
    with faulty(bench, minute=2.0, reject="^configure revert"):
        with bench.pool() as pool, pool.session(TARGET) as session:
            session.send([f"interface {OTHER}", "description theirs"], guarded=True)
        run = office.run({DESK: STAFF})
        assert "a change by netops still waits for its confirmation there" in waits(run)
        assert on_device(bench) == []
        wait_for("the switch to take their change back", lambda: on_device(bench, OTHER) == [])
        assert office.site.resume(run.id, now=True).state == "done"
    assert on_device(bench) == LINES
    assert not pending(bench)


def test_a_change_that_was_not_confirmed_is_confirmed_when_the_run_goes_on(bench: Bench, make: Any) -> None:
    office = make()
    with faulty(bench, drop="^configure confirm"):
        assert "closed the session" in waits(run := office.run({DESK: STAFF}))
    assert pending(bench)
    assert office.site.resume(run.id, now=True).state == "done"
    assert not pending(bench)
    assert on_device(bench) == LINES
    assert "description B-204-3 WS-0042" in startup(bench)


def test_a_refused_confirmation_is_no_success(bench: Bench, make: Any) -> None:
    with faulty(bench, reject="^configure confirm"):
        run = make().run({DESK: STAFF})
    assert "still waits for its confirmation" in waits(run)
    assert "description B-204-3 WS-0042" not in startup(bench)


def test_a_timer_that_ran_out_before_the_confirmation_is_noticed(bench: Bench, make: Any) -> None:
    with faulty(bench, minute=0.1, delay=0.25):
        assert "took the change back before it was confirmed" in refused(make().run({DESK: STAFF}))
    assert on_device(bench) == []


@pytest.mark.parametrize("guarded", [True, False])
def test_a_session_that_is_cut_in_mid_change(bench: Bench, make: Any, guarded: bool) -> None:
    """Guarded, the switch takes back what had arrived; unguarded it stays, and the run goes on from there."""
    if not guarded:
        unguarded(bench)
    office = make()
    with faulty(bench, cut_after=4, minute=1.0):
        run = office.run({DESK: STAFF, OTHER: STAFF})
        assert "closed the session" in waits(run)
        assert on_device(bench) != []
        if guarded:
            wait_for("the switch to take it back", lambda: on_device(bench) == [])
    assert office.site.resume(run.id, now=True).state == "done"
    assert on_device(bench) == on_device(bench, OTHER) == LINES
    assert startup(bench).count("description B-204-3 WS-0042") == 2


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize(
    ("fault", "says"), [("reject", "rejected the line 'configure terminal"), ("ignore", "closed the session")]
)
def test_lines_are_never_carried_out_outside_of_configuration_mode(
    bench: Bench, make: Any, guarded: bool, fault: str, says: str
) -> None:
    if not guarded:
        unguarded(bench)
    with bench.pool() as pool, pool.session(TARGET) as session:
        before = session.show("show running-config")
    with faulty(bench, **{fault: "^configure terminal"}):
        run = make().run({DESK: STAFF, OTHER: STAFF})
    assert says in (refused(run) if fault == "reject" else waits(run))
    with bench.pool() as pool, pool.session(TARGET) as session:
        assert session.show("show running-config") == before
    assert not pending(bench)


def test_what_cannot_be_restored_is_taken_back_with_the_whole_batch(bench: Bench, make: Any) -> None:
    with faulty(bench, ignore="^no shutdown"):
        run = make().run({DESK: SwitchPort(access_vlan=20), OTHER: SwitchPort(description="beside it")})
    said = {record.change.key: str(record.error) for record in run.record.changes}
    assert "enabled is False instead of True" in said[DESK]
    assert f"{OTHER} was not kept either" in said[OTHER]
    assert all("took the whole batch back, and its former lines are in place" in text for text in said.values())
    assert on_device(bench) == on_device(bench, OTHER) == []
    assert not pending(bench)


# -- who may sign in


def test_a_wrong_password_is_tried_once(bench: Bench, make: Any) -> None:
    (bench.folder / "wrong").write_text("canary-5d1c\n")
    office = make(3, credential={"user": "netops", "password": "file:wrong"})
    before = len(sign_ins(bench))

    def use(_: int) -> str:
        with pytest.raises(CredentialError) as caught, office.pool() as pool, pool.session(TARGET):
            pass
        return str(caught.value)

    with ThreadPoolExecutor(20) as threads:
        told = list(threads.map(use, range(20)))
    assert "refused the password of user 'netops'" in refused(office.run({DESK: STAFF}))
    proof = Proof("network.port", TARGET, "x", {"interface": DESK, "mac": MAC_A, "vlan": 20})
    with office.pool() as pool, pytest.raises(CredentialError):
        DESK_ON_PORT.check(pool, proof)
    assert sign_ins(bench)[before:] == ["netops refused"]
    assert not any("canary" in text for text in told)
    (bench.folder / "wrong").write_text((bench.folder / "switch-password").read_text())
    assert office.run({DESK: STAFF}).state == "done"  # corrected: it is another one


@pytest.mark.parametrize("fault", ["no password set", "error in authentication"])
def test_no_privileged_mode(bench: Bench, make: Any, fault: str) -> None:
    (bench.folder / "enable").write_text(f"{fault}\n")  # a password of this test's own
    office = make(3, enable="file:enable")
    before = len(sign_ins(bench))
    with faulty(bench, enable=fault):
        for _ in range(3):
            assert "gets no privileged mode" in refused(office.run({DESK: STAFF}))
    assert sign_ins(bench)[before:] == ["netops accepted"]
    assert on_device(bench) == []


def test_another_host_key_is_refused_before_the_password_is_said(bench: Bench, make: Any) -> None:
    office, before = make(3), len(sign_ins(bench))
    with faulty(bench, host_key="other"):
        assert "host key" in refused(office.run({DESK: STAFF}))
        with office.pool() as pool, pytest.raises(TrustError), pool.session(TARGET):
            pass
    assert sign_ins(bench)[before:] == []
    assert on_device(bench) == []


def test_a_slow_sign_in_is_waited_for(bench: Bench, make: Any) -> None:
    with faulty(bench, login_delay=3.0, delay=0.1):
        assert make().run({DESK: STAFF}).state == "done"
    assert on_device(bench) == LINES


@pytest.mark.parametrize("early", [False, True])
def test_all_sessions_are_taken(bench: Bench, make: Any, early: bool) -> None:
    office = make()
    with bench.pool() as pool, pool.session(TARGET), faulty(bench, max_sessions=1, refuse_early=early):
        reason = waits(run := office.run({DESK: STAFF}))
        assert early or "session limit reached" in reason
    assert office.site.resume(run.id, now=True).state == "done"
    assert on_device(bench) == LINES


# -- what the device says


@pytest.mark.parametrize(
    "faults",
    [
        {"paging": True},
        {"banner": BANNER, "motd": BANNER},
        {"chatter": True},
        {"interrupt": 3},
        {"interrupt": 2, "chatter": True, "motd": BANNER},
    ],
    ids=str,
)
def test_nothing_that_a_device_says_beside_its_answers_does_harm(
    bench: Bench, make: Any, faults: dict[str, Any]
) -> None:
    with faulty(bench, **faults):
        run = make().run({DESK: STAFF, OTHER: STAFF})
        assert run.state == "done", refused(run)
    assert on_device(bench) == on_device(bench, OTHER) == LINES
    assert startup(bench).count("description B-204-3 WS-0042") == 2


@pytest.mark.parametrize("rejected", ["^switchport voice vlan", f"^interface {DESK}"])
def test_a_rejected_line_fails_its_port_and_no_other(bench: Bench, make: Any, rejected: str) -> None:
    third = PORTS[8]
    with faulty(bench, reject=rejected):
        plain = STAFF.model_copy(update={"voice_vlan": None})
        run = make().run({OTHER: plain, DESK: STAFF, third: plain})
    assert {record.change.key: record.state for record in run.record.changes} == {
        OTHER: "verified", DESK: "failed", third: "verified"
    }  # fmt: skip
    assert on_device(bench) == []
    assert on_device(bench, OTHER) == on_device(bench, third) == LINES[:3]


def test_a_line_of_9600_baud(bench: Bench, make: Any) -> None:
    """192 lines and the whole configuration: slow is not lost."""
    ports, staff = PORTS[:24], STAFF.model_copy(update={"portfast": True, "bpduguard": True})
    staff = SwitchPort(**staff.model_dump(include={*STAFF.managed(), "portfast", "bpduguard"}))
    with bench.pool() as pool, pool.session(TARGET) as session:
        whole = running_configuration(session).text
        lines = [line for port in ports for line in session.dialect.port_lines(port, FACTORY.fields(), staff.fields())]
    assert len(lines) >= 192
    office, began = make(), time.monotonic()
    with faulty(bench, baud=9600):
        with office.pool() as pool, pool.session(TARGET) as session:
            assert running_configuration(session).text == whole
        assert time.monotonic() - began > len(whole) / 960
        assert office.run(dict.fromkeys(ports, staff)).state == "done"
    assert startup(bench).count("description B-204-3 WS-0042") == 24


# -- the switch itself


@pytest.mark.parametrize("line", ["^switchport access vlan", "^write memory"])
def test_the_switch_restarts_in_mid_change(bench: Bench, make: Any, line: str) -> None:
    office = make()
    with faulty(bench, reboot=2.0, reboot_on=line):
        assert waits(run := office.run({DESK: STAFF}))
        assert "nobody answers" in waits(office.site.resume(run.id, now=True))
        wait_for("the switch to be back", bench.switches.running)
    assert on_device(bench) == []  # it came back with what was saved
    assert office.site.resume(run.id, now=True).state == "done"
    assert on_device(bench) == LINES
    assert "description B-204-3 WS-0042" in startup(bench)


def test_a_switch_that_says_nothing_more(bench: Bench, make: Any) -> None:
    office = make()

    def use() -> None:
        with office.pool() as pool, pool.session(TARGET) as session:
            session.patience = 1.0
            PORT.apply(session, [Change(Address("switch.port", TARGET, DESK), STAFF.view_of(FACTORY), STAFF)])

    with faulty(bench, hang="^switchport access", minute=1.0):
        with pytest.raises(UnreachableError, match="did not finish"):
            use()
        wait_for("the switch to take it back", lambda: on_device(bench) == [])


# -- ways of real devices


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"mode": "access", "security_maximum": 2, "security_violation": "restrict"}, "switchport port-security"),
        ({"mode": "access", "dot1x": "auto"}, "authentication port-control auto"),
        ({"mode": "access", "dot1x": "force-authorized"}, "switchport mode access"),
        ({"mode": "access", "speed": 100, "duplex": "half"}, "duplex half"),
        ({"mode": "access", "portfast": True, "bpduguard": True}, "spanning-tree portfast"),
        ({"portfast": True}, "spanning-tree portfast"),  # "%Portfast has been configured on …" is no refusal
        ({"mode": "access", "storm_control": 5.0, "power": False}, "power inline never"),
    ],
    ids=str,
)
def test_settings_go_there_and_back(bench: Bench, make: Any, fields: dict[str, Any], shown: str) -> None:
    """In an order that the device takes: no security on a dynamic port, half duplex behind the speed."""
    run = make().run({DESK: SwitchPort(**fields)})
    assert run.state == "done", refused(run)
    assert shown in on_device(bench)
    assert run.undo().state == "done"
    assert on_device(bench) == []


def test_addresses_that_a_secured_port_learned(bench: Bench, make: Any) -> None:
    """They are static rows in the table of MAC addresses, and those of the former PC go with it."""
    secured = STAFF.model_copy(update={"voice_vlan": None, "security_maximum": 1, "security_sticky": True})
    secured = SwitchPort(**{name: getattr(secured, name) for name in secured.managed() if name != "voice_vlan"})
    office = make()
    assert office.run({DESK: secured}).state == "done"
    proof = Proof("network.port", TARGET, "x", {"interface": DESK, "mac": MAC_A, "vlan": 20})
    with office.pool() as pool:
        assert DESK_ON_PORT.check(pool, proof).passed
        with pool.session(TARGET) as session:
            assert "STATIC" in session.show(f"show mac address-table interface {DESK}")
            former = "switchport port-security mac-address sticky 0200.5e10.00ff"
            session.configure([f"interface {OTHER}", "description former", "switchport mode access",
                               "switchport port-security mac-address sticky", former])  # fmt: skip
            moved = SwitchPort(description="B-204-4 WS-0043")
            change = Change(Address("switch.port", TARGET, OTHER), SwitchPort(description="former"), moved)
            with faulty(bench, reject="^description B-204-4"):
                (outcome,) = PORT.apply(session, [change])
            assert "former lines are in place" in str(outcome.error)
            assert former in on_device(bench, OTHER)
            assert PORT.apply(session, [change])[0].error is None
    assert former not in on_device(bench, OTHER)
    assert "switchport port-security mac-address sticky" in on_device(bench, OTHER)


# -- ports that are never touched, whatever the site thinks


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["switchport mode trunk"], "its mode is trunk"),
        (["channel-group 1 mode active"], "port channel 1"),
        (None, "the switch's own management comes in there"),  # the real uplink, which the site forgot
    ],
)
def test_the_devices_answer_counts(bench: Bench, make: Any, lines: list[str] | None, says: str) -> None:
    port = PORTS[24] if lines is None else DESK
    if lines:
        bench.type("sw-a", [f"interface {port}", *lines])
    office = make(uplinks=())
    with office.pool() as pool, pool.session(TARGET) as session:
        before = session.show("show running-config")
        found = PORT.read(session, [port])[port]
        change = Change(Address("switch.port", TARGET, port), STAFF.view_of(found), STAFF)
        (outcome,) = PORT.apply(session, [change])
        assert isinstance(outcome.error, RejectedError)
        assert says in str(outcome.error)
        assert "was not touched" in str(outcome.error)
        assert session.show("show running-config") == before
