"""Switch sessions and ports on the lab's switches, with the faults that real switches show."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from provisioning.connections.pool import Pool
from provisioning.connections.switch import SwitchSession
from provisioning.errors import (
    CredentialError,
    RejectedError,
    SecretError,
    TrustError,
    UnreachableError,
    VerifyError,
)
from provisioning.lab.switch import misbehaving
from provisioning.resources.base import Address, Change, Outcome, Proof
from provisioning.resources.switch.port import PORT, SwitchPort
from provisioning.resources.switch.proofs import DESK_ON_PORT, LEASE, LeaseProof, PortProof
from tests.lab.network_bench import LEASES, MAC_A, MAC_B, PORTS, Bench, Faults

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
TARGET = "switch:sw-a"
DESK = PORTS[6]
STAFF = SwitchPort(description="B-204-3 B2-04A WS-0042", enabled=True, mode="access", access_vlan=20, voice_vlan=120)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench.make(tmp_path_factory.mktemp("bench"), 41)
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def pool(bench: Bench) -> Iterator[Pool]:
    with bench.pool() as opened:
        yield opened


@pytest.fixture
def session(pool: Pool) -> Iterator[SwitchSession]:
    """A session on sw-a, whose ports are in their factory state again."""
    with pool.session(TARGET) as opened:
        opened.revert()  # a session that was lost left it to the switch to take its change back
        opened.configure([f"default interface {port}" for port in PORTS[:24]])
        yield opened


def apply(session: SwitchSession, **wanted: SwitchPort) -> list[Outcome]:
    return apply_to(session, {f"GigabitEthernet1/0/{name.lstrip('p')}": state for name, state in wanted.items()})


def apply_to(session: SwitchSession, wanted: dict[str, SwitchPort]) -> list[Outcome]:
    return PORT.apply(
        session, [Change(Address("switch.port", TARGET, key), None, state) for key, state in wanted.items()]
    )


def errors(outcomes: Sequence[Outcome]) -> list[Any]:
    return [outcome.error for outcome in outcomes]


def test_a_vlan_change_moves_the_desk_for_real(pool: Pool, session: SwitchSession) -> None:
    for vlan in (20, 30, 20):
        assert errors(apply(session, p7=STAFF.model_copy(update={"access_vlan": vlan}))) == [None]
        lease = Proof("network.lease", "dhcp", "lease", {"mac": MAC_A, "subnet": f"10.20.{vlan}.0/24"})
        on_port = Proof("network.port", TARGET, "port", {"interface": DESK, "mac": MAC_A, "vlan": vlan})
        for result in (LEASE.check(pool, lease), DESK_ON_PORT.check(pool, on_port)):
            assert result.passed, result.detail


def test_apply_and_its_inverse_restore_the_exact_lines(bench: Bench, session: SwitchSession) -> None:
    given = [
        f"interface {DESK}",
        "description Old desk",
        "switchport access vlan 30",
        "spanning-tree portfast",
        "shutdown",
    ]
    for lines in ([], given):
        session.configure(lines)
        before_text, before = bench.section(session, DESK), PORT.read(session, [DESK])[DESK]
        change = Change(Address("switch.port", TARGET, DESK), STAFF.view_of(before), STAFF)
        assert errors(PORT.apply(session, [change])) == [None]
        assert STAFF.agrees_with(PORT.read(session, [DESK])[DESK])
        assert errors(PORT.apply(session, [change.inverse()])) == [None]
        assert bench.section(session, DESK) == before_text


def test_applying_twice_sends_nothing(bench: Bench, session: SwitchSession) -> None:
    apply(session, p7=STAFF)
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(drop="^configure")):
        assert errors(apply(session, p7=STAFF)) == [None]


def test_all_ports_of_a_switch_at_once_and_saved(bench: Bench, session: SwitchSession) -> None:
    began = time.monotonic()
    assert errors(apply_to(session, dict.fromkeys(PORTS[:24], STAFF))) == [None] * 24
    assert time.monotonic() - began < 5
    saved = (bench.switches.folder / "sw-a" / "startup-config").read_text()
    assert saved.count("description B-204-3 B2-04A WS-0042") == 24


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        (PORTS[24], "the site lists it as an uplink"),
        (PORTS[25], "its mode is trunk"),
        ("GigabitEthernet9/0/1", "has no interface GigabitEthernet9/0/1"),
    ],
)
def test_ports_that_are_not_for_desks_are_refused(bench: Bench, session: SwitchSession, port: str, reason: str) -> None:
    before = session.show("show running-config")
    outcomes = apply_to(session, {port: STAFF, PORTS[0]: STAFF})
    assert isinstance(outcomes[0].error, RejectedError)
    assert reason in str(outcomes[0].error)
    assert outcomes[1].error is None
    session.configure([f"default interface {PORTS[0]}"])
    assert session.show("show running-config") == before


def test_a_port_channel_member_is_refused(session: SwitchSession) -> None:
    session.configure([f"interface {DESK}", "channel-group 1 mode active"])
    assert "port channel 1" in str(apply(session, p7=STAFF)[0].error)


def test_a_port_that_the_switch_does_not_have_is_found_when_planning(session: SwitchSession) -> None:
    with pytest.raises(RejectedError, match=r"no interface GigabitEthernet1/0/99; did you mean .*; correct the outlet"):
        PORT.read(session, ["GigabitEthernet1/0/99"])


@pytest.mark.parametrize(
    "rejected",
    ["switchport voice vlan 120", "switchport access vlan 20", "switchport mode access", "description"],
)
def test_a_rejected_line_is_named_and_the_port_restored(bench: Bench, session: SwitchSession, rejected: str) -> None:
    session.configure(
        [f"interface {DESK}", "description former", "switchport access vlan 30", "switchport mode access"]
    )
    former, other = (
        bench.section(session, DESK),
        STAFF.model_copy(update={"access_vlan": 30, "voice_vlan": None}),
    )
    state = STAFF.model_copy(update={"mode": "dynamic desirable"}) if "mode" in rejected else STAFF
    line = "switchport mode dynamic" if "mode" in rejected else rejected
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(reject=f"^{line}(?! former)")):
        outcomes = apply(session, p7=state, p8=other.model_copy(update={"description": None, "mode": "access"}))
    assert type(outcomes[0].error) is RejectedError
    assert f"rejected the line '{line}" in str(outcomes[0].error)
    assert "former lines are in place" in str(outcomes[0].error)
    assert bench.section(session, DESK) == former
    assert outcomes[1].error is None


def test_a_rejected_interface_never_hits_another_port(bench: Bench, session: SwitchSession) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(reject=f"^interface {PORTS[1]}$")):
        outcomes = apply(session, p1=STAFF, p2=STAFF.model_copy(update={"access_vlan": 30}), p3=STAFF)
    assert [error is None for error in errors(outcomes)] == [True, False, True]
    assert f"interface {PORTS[1]}" in str(outcomes[1].error)
    states = PORT.read(session, PORTS[:3])
    assert [states[port].access_vlan for port in PORTS[:3]] == [20, 1, 20]


def test_a_line_that_is_ignored_silently_is_caught(bench: Bench, session: SwitchSession) -> None:
    former = bench.section(session, DESK)
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(ignore="^switchport access vlan 20")):
        error = apply(session, p7=STAFF)[0].error
    assert isinstance(error, VerifyError)
    assert "access_vlan is 1 instead of 20" in str(error)
    assert bench.section(session, DESK) == former


def test_a_port_is_never_left_shut_unnoticed(bench: Bench, session: SwitchSession) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(ignore="^no shutdown")):
        error = apply(session, p7=SwitchPort(access_vlan=20))[0].error
    assert "enabled is False instead of True" in str(error)
    assert "could not all be restored, look at: shutdown" in str(error)
    assert "the switch took the whole batch back, and its former lines are in place" in str(error)
    assert "shutdown" not in bench.section(session, DESK)


def test_an_interface_line_that_is_ignored_silently_never_hits_another_port(
    bench: Bench, session: SwitchSession
) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(ignore=f"^interface {PORTS[1]}$")):
        outcomes = apply(session, p1=STAFF, p2=STAFF.model_copy(update={"access_vlan": 30}), p3=STAFF)
    assert [error is None for error in errors(outcomes)] == [True, False, True]
    assert [PORT.read(session, PORTS[:3])[port].access_vlan for port in PORTS[:3]] == [20, 1, 20]


def test_log_messages_in_the_middle_do_no_harm(bench: Bench, session: SwitchSession) -> None:
    with misbehaving(bench.switches.faults_file("sw-a"), Faults(chatter=True)):
        assert errors(apply(session, p7=STAFF, p8=STAFF)) == [None, None]


def test_a_session_that_the_switch_closed_for_idleness_is_opened_again(session: SwitchSession) -> None:
    talk: Any = session._talk
    talk._channel.sendall(b"exit\n")
    while not session._talk.closed:
        time.sleep(0.01)
    assert "IOS" in session.show("show version")


def test_a_user_without_privilege_is_enabled(pool: Pool) -> None:
    with pool.session("switch:sw-b") as session:
        assert "hostname sw-b" in session.show("show running-config")


def test_a_save_that_fails_is_an_error(bench: Bench, session: SwitchSession) -> None:
    with (
        misbehaving(bench.switches.faults_file("sw-a"), Faults(reject="^write")),
        pytest.raises(RejectedError, match="not saved"),
    ):
        session.save()
    with (
        misbehaving(bench.switches.faults_file("sw-a"), Faults(reject="^write")),
        pytest.raises(RejectedError, match="changed, but the switch did not confirm 'write memory'"),
    ):
        apply(session, p7=STAFF)


def _lose(pool: Pool) -> None:
    with pool.session(TARGET) as session:
        session.patience = 1.0
        apply(session, p12=STAFF)


@pytest.mark.parametrize(
    ("faults", "says"),
    [(Faults(hang="^interface"), "did not finish"), (Faults(drop="^interface"), "closed the session")],
)
@pytest.mark.usefixtures("session")
def test_a_session_that_is_lost(bench: Bench, faults: Faults, says: str) -> None:
    with bench.pool() as pool:
        broken = misbehaving(bench.switches.faults_file("sw-a"), faults)
        with broken, pytest.raises(UnreachableError, match=says):
            _lose(pool)
        with pool.session(TARGET) as session:  # a new one
            assert PORT.read(session, [PORTS[11]])


@pytest.mark.parametrize(
    "line", ["description a\nshutdown", "description ?", "description a|b", "description é", "", "x" * 300]
)
def test_hostile_lines_are_never_sent(session: SwitchSession, line: str) -> None:
    with pytest.raises(RejectedError, match="was not sent"):
        session.configure([line])


def test_configure_names_the_rejected_line_and_show_refuses(session: SwitchSession) -> None:
    with pytest.raises(RejectedError, match="rejected the line 'switchport bogus'"):
        session.configure([f"interface {DESK}", "switchport bogus"])
    with pytest.raises(RejectedError, match="refused the command 'show bogus'"):
        session.show("show bogus")


def test_nobody_answers(bench: Bench) -> None:
    nowhere = {"host": "sw-x.corp.example", "port": 22, "address": "127.77.41.99"}
    with (
        bench.pool(ssh=nowhere) as pool,
        pytest.raises(UnreachableError, match=r"nobody answers at 127\.77\.41\.99 port 22"),
        pool.session(TARGET),
    ):
        pass


def test_something_else_answers(bench: Bench, tmp_path: Path) -> None:
    with socket.create_server(("127.77.41.98", 0)) as server:
        where = {"host": "sw-x.corp.example", "port": server.getsockname()[1], "address": "127.77.41.98"}

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with (
            bench.pool(ssh=where) as pool,
            pytest.raises(UnreachableError, match="complete SSH"),
            pool.session(TARGET),
        ):
            pass
        thread.join()


@pytest.mark.parametrize("content", ["other key", "", None])
def test_a_host_key_that_is_not_the_known_one(bench: Bench, tmp_path: Path, content: str | None) -> None:
    known = tmp_path / "known_hosts"
    if content is not None:
        public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        known.write_text(f"sw-a.corp.example {public}" if content else "")
    with (
        bench.pool(known_hosts=known) as pool,
        pytest.raises(TrustError, match="known_hosts"),
        pool.session(TARGET),
    ):
        pass


def test_a_wrong_password_and_a_missing_one(bench: Bench) -> None:
    wrong = bench.folder / "wrong-password"
    wrong.write_text("canary-7f3a\n")
    with bench.pool(credential={"user": "netops", "password": "file:wrong-password"}) as pool:
        with (
            pytest.raises(CredentialError, match="refused the password of user 'netops'") as caught,
            pool.session(TARGET),
        ):
            pass
        assert "canary" not in str(caught.value)
    missing = {"user": "netops", "password": "file:nowhere"}
    with bench.pool(credential=missing) as pool, pytest.raises(SecretError), pool.session(TARGET):
        pass


def test_proofs_that_do_not_hold(bench: Bench, pool: Pool, session: SwitchSession) -> None:
    apply(session, p7=STAFF)
    on_port = {"interface": DESK, "mac": MAC_A, "vlan": 20}
    assert DESK_ON_PORT.check(pool, Proof("network.port", TARGET, "x", on_port)).passed
    quick = PortProof(patience=0)
    assert (
        f"sees {MAC_A} instead of {MAC_B}"
        in quick.check(pool, Proof("network.port", TARGET, "x", {**on_port, "mac": MAC_B})).detail
    )
    assert (
        "no device" in quick.check(pool, Proof("network.port", TARGET, "x", {**on_port, "interface": PORTS[8]})).detail
    )
    lease = LeaseProof(patience=0).check(
        pool, Proof("network.lease", "dhcp", "x", {"mac": MAC_B, "subnet": "10.20.20.0/24"})
    )
    assert not lease.passed


def test_the_dhcp_host_shows_its_lease_file_and_nothing_else(pool: Pool) -> None:
    with pool.session("dhcp") as session:
        session.read_file(LEASES)
        with pytest.raises(RejectedError, match="does not exist"):
            session.read_file("/etc/passwd")
