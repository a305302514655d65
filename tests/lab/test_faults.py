"""Bad input and faults, each as its user meets it: exit code, one clear sentence, and nothing that undo or the next
apply does not settle.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioning.lab.certificates import LabAuthority
from provisioning.lab.office import Office
from provisioning.lab.switch import Faults, misbehaving
from tests.lab.admin import (
    Admin,
    admin_of,
    directory_entries,
    interrupt,
    left_as_found,
    pc_state,
    port_section,
    until,
)
from tests.ledger_files import ledger_octets

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

PC = "WS-0042"  # stands at B-204-3, where E1042 will sit
PORT = "GigabitEthernet1/0/12"  # its switch port
FREE_PORT = "GigabitEthernet1/0/11"  # of B-204-2, where nobody sits and no PC stands
THU_HA = ("onboard", "E1043", "--desk", "B-204-2")


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    yield somebody
    somebody.take_all_back()


# -- refused before anything is changed --------------------------------------------------------------------------------


def refused(admin: Admin, *words: str) -> str:
    """What stderr says of a request that is refused: exit code 1, nothing on stdout, no run in the ledger."""
    said = admin.here(*words, *(["--yes"] if words[0] == "onboard" else []))
    assert (said.code, said.out) == (1, ""), said
    assert not admin.ledger.exists()
    return said.err.removeprefix("Error: ").strip()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("onboard E1024", "the site has no person 'E1024'; did you mean 'E10"),
        ("onboard", "name at least one person"),
        ("onboard E1043 --desk B-204-9", "the site has no workplace 'B-204-9'; did you mean 'B-204-"),
        ("onboard E1043 --desk B-204-1", "workplace B-204-1 belongs to person E1038"),
        ("onboard E1042 E1043 --desk B-204-2", "workplace B-204-2 cannot seat 2 people"),
        ("onboard E1042 --with crm", "package 'crm' is not in the software catalogue"),
        (
            "onboard E1015 --with crm-client",
            "package 'crm-client' is not approved for profile 'accounting' of E1015; "
            "add it to the profile's optional_software",
        ),
        ("check E1042", "E1042 has no account yet, so there is nothing to check; run `provision onboard E1042`"),
        ("undo 7 --yes", "no run 7"),
    ],
)
def test_requests_that_cannot_be(admin: Admin, words: str, sentence: str) -> None:
    if words.startswith("undo"):
        admin.here("show", "runs")
        said = admin.here(*words.split())
        assert said.code == 1
        assert sentence in said.err
    else:
        assert sentence in refused(admin, *words.split())


def test_an_unknown_profile(admin: Admin) -> None:
    admin.hire("E2001", "Ada", "Novak", profile="salse")
    line = len((admin.folder / "people.csv").read_text(encoding="utf-8").splitlines())
    assert refused(admin, "onboard", "E2001") == (
        f"{admin.folder}/people.csv:{line}: people E2001: profile: "
        "there is no profile 'salse'; did you mean 'sales'?"
    )  # fmt: skip


def test_a_login_that_two_people_have(admin: Admin) -> None:
    admin.hire("E2001", "Ada", "Novak", login="ada")
    admin.hire("E2002", "Ada", "Nowak", login="ada")
    assert "login 'ada' already belongs to person E2001" in refused(admin, "onboard", "E2001")


def test_a_login_that_belongs_to_another_account(office: Office, admin: Admin) -> None:
    admin.hire("E2001", "Ada", "Novak", login="william.hart")
    assert refused(admin, "onboard", "E2001") == (
        "login 'william.hart' of person E2001 belongs to another account in the directory; "
        "change `login` in the site, or set employeeID E2001 on that account if it is the same person"
    )


def test_a_name_that_somebody_has_already(office: Office, admin: Admin) -> None:
    """Collisions of names, logins and addresses are resolved."""
    admin.hire("E2001", "William", "Hart")
    with left_as_found(office):
        admin.must("onboard", "E2001", "--yes")
        second = directory_entries(office, "(employeeID=E2001)")
        assert list(second) == ["CN=William Hart (E2001),OU=Sales,OU=Staff,DC=corp,DC=example"]
        assert "sAMAccountName: w.hart" in next(iter(second.values()))
        admin.must("undo", "1", "--yes")


def test_an_outlet_without_a_trace(admin: Admin) -> None:
    admin.edit("workplaces.csv", "B-201-1,B,B-201,B2-01A,", "B-201-1,B,B-201,B2-01A,\nB-201-2,B,B-201,B2-01B,")
    assert refused(admin, "onboard", "E1043", "--desk", "B-201-2") == (
        "outlet B2-01B of workplace B-201-2 has no trace to a switch port (panel P1, port 2); "
        "`provision patch B2-01B --to B-201-2` picks one, or write switch and switch_port beside it in outlets"
    )


def test_two_desks_on_one_port(admin: Admin) -> None:
    admin.edit("outlets.csv", "B2-01B,C-B2,P1,2,,", "B2-01B,C-B2,P1,2,sw-b2-1,GigabitEthernet1/0/12")
    said = refused(admin, "onboard", "E1042")
    assert "outlets.csv:" in said
    assert "GigabitEthernet1/0/12" in said
    assert "B2-01B" in said


def test_a_package_that_is_not_approved_at_all(admin: Admin) -> None:
    admin.edit("software.yml", "    vendor: Example Corp", "    vendor: Example Corp\n    approved: false")
    assert "package 'office-fonts' is not approved" in refused(admin, "onboard", "E1042", "--with", "office-fonts")


def test_a_wrong_directory_password(admin: Admin) -> None:
    (admin.folder / "wrong").write_text("not-the-password")
    secret = next(
        line for line in (admin.folder / "site.yml").read_text().splitlines() if "svc-provision\n" in line + "\n"
    )
    admin.edit("site.yml", secret.strip(), "password: file:wrong")
    said = refused(admin, "onboard", "E1042")
    assert said.startswith("directory: dc1.corp.example refuses the sign-in of svc-provision@corp.example: ")
    assert said.endswith("check directory.credential in the site (file:wrong)")
    assert "not-the-password" not in said


def test_a_secret_that_is_not_there(admin: Admin) -> None:
    admin.edit("site.yml", "/secrets/svc-provision", "/secrets/svc-provisoin")
    assert "svc-provisoin cannot be read (No such file or directory)" in refused(admin, "onboard", "E1042")


def test_a_directory_certificate_that_is_not_trusted(office: Office, admin: Admin) -> None:
    stranger = LabAuthority(admin.folder / "stranger")
    stranger.up()
    text = (admin.folder / "site.yml").read_text(encoding="utf-8")
    trust = f"trust: {office.folder}/ca.pem"
    (admin.folder / "site.yml").write_text(text.replace(trust, f"trust: {stranger.certificate}", 1), encoding="utf-8")
    said = refused(admin, "onboard", "E1042")
    assert said.startswith("directory: the certificate of dc1.corp.example (127.77.")
    assert "is not trusted" in said
    assert "check directory.trust" in said


@pytest.mark.parametrize(
    ("ledger", "sentence"),
    [
        ("/proc/nowhere/l.sqlite", "cannot be made"),
        ("packages", "cannot be opened"),
        ("people.csv", "not a SQLite database"),
    ],
)
def test_a_ledger_that_cannot_be_written(office: Office, admin: Admin, ledger: str, sentence: str) -> None:
    admin.edit("site.yml", f"ledger: {admin.ledger}", f"ledger: {ledger}")
    with left_as_found(office):
        said = admin.run(*THU_HA, "--yes")
    assert said.code == 1
    assert sentence in said.err


# -- names are text, whatever is in them -------------------------------------------------------------------------------

NASTY = "\"';)(uid=*)&|<>^!%OS%$(touch /tmp/pwned)`id`\\,+=#/*"


@pytest.mark.parametrize("letter", ["\n", "\r", "\0", "\x1b", "\u202e", "\u2028"])
def test_control_characters_in_names_are_refused_when_the_site_is_read(admin: Admin, letter: str) -> None:
    admin.hire("E2001", "Ada", f"Nov{letter}ak")
    said = refused(admin, "onboard", "E2001")
    assert "people.csv" in said
    assert f"U+{ord(letter):04X}" in said or "'profile' is missing" in said, said  # a lone \\r ends a row
    assert letter == "\n" or letter not in said


def test_hostile_names_stay_text_in_directory_switch_and_registry(office: Office, admin: Admin) -> None:
    page = f"Sales {NASTY}"
    quoted = page.replace("\\", "\\\\").replace('"', '\\"')
    admin.edit("site.yml", "{name: Sales desk,", f'{{name: "{quoted}",')
    admin.edit("people.csv", "E1042,Анна,Петрова,Sales", f'E1042,"{NASTY.replace(chr(34), chr(34) * 2)}",Петрова,Sales')
    with left_as_found(office, PC):
        before = set(directory_entries(office))
        done = admin.run("onboard", "E1042", "--yes")
        assert done.code == 0, done.out + done.err
        entries = directory_entries(office)
        assert len(set(entries) - before) == 2, "one person, one computer"
        person = next(lines for lines in entries.values() if "employeeID: E1042" in lines)
        assert f"givenName: {NASTY}" in person
        assert f"displayName: {NASTY} Петрова" in person
        assert "B-204-3 B2-04C WS-0042" in port_section(office, "sw-b2-1", PORT)
        policies = "\n".join(pc_state(office, PC)["policies"])  # type: ignore[arg-type]
        assert NASTY.replace("\\", "\\\\").replace('"', '\\"') in policies
        assert not Path("/tmp/pwned").exists()
        assert admin.run("check", "E1042").code == 0
        admin.must("undo", "1", "--yes")


# -- a system fails; the rest is done; the next apply or undo settles it -----------------------------------------------


def partly(admin: Admin, *words: str) -> str:
    """What a run that is only partly done prints: exit code 3."""
    said = admin.run(*words, "--yes")
    assert said.code == 3, said.out + said.err
    return said.out


def test_an_installer_that_is_not_the_approved_one(office: Office, admin: Admin) -> None:
    (admin.folder / "packages").unlink()
    (admin.folder / "packages").mkdir()
    for file in (office.site_folder / "packages").glob("*.*"):
        (admin.folder / "packages" / file.name).write_bytes(file.read_bytes())
    tampered = admin.folder / "packages/crm-client-4.2.0.msi"
    tampered.write_bytes(tampered.read_bytes() + b"!")
    with left_as_found(office, PC):
        out = partly(admin, "onboard", "E1042")
        assert "is not the approved one: SHA-256 expected 640454ab" in out
        assert "nothing was sent" in out
        assert "windows:WS-0042: 22 done, 1 failed" in out
        assert "Meridian" not in str(pc_state(office, PC))
        admin.must("undo", "1", "--yes")


def test_a_host_key_that_is_not_the_known_one(office: Office, admin: Admin) -> None:
    known = (office.folder / "known_hosts").read_text().splitlines()
    keys = [line.split(" ", 1)[1] for line in known]
    (admin.folder / "known_hosts").write_text(
        "".join(f"{line.split()[0]} {key}\n" for line, key in zip(known, [*keys[1:], keys[0]], strict=True))
    )
    admin.edit("network.yml", f"known_hosts: {office.folder}/known_hosts", "known_hosts: known_hosts")
    with left_as_found(office):
        planned = admin.run("plan", *THU_HA)
        assert planned.code == 1
        assert "shows another host key than the one of sw-b2-1.corp.example" in planned.out
        assert "verify its key on the console" in partly(admin, *THU_HA)
        assert port_section(office, "sw-b2-1", FREE_PORT) == ""
        admin.must("undo", "1", "--yes")


def test_a_pc_whose_certificate_is_not_trusted(office: Office, admin: Admin) -> None:
    stranger = LabAuthority(admin.folder / "stranger")
    stranger.up()
    text = (admin.folder / "site.yml").read_text(encoding="utf-8")
    head, windows, tail = text.partition("\nwindows:")
    tail = tail.replace(f"trust: {office.folder}/ca.pem", f"trust: {stranger.certificate}", 1)
    (admin.folder / "site.yml").write_text(head + windows + tail, encoding="utf-8")
    planned = admin.run("plan", "onboard", "E1042")
    assert planned.code == 1
    assert "! windows:WS-0042: " in planned.out
    assert "certificate" in planned.out


def test_a_switch_that_does_not_answer(office: Office, admin: Admin) -> None:
    with left_as_found(office):
        office.switches.down(keep_startup=True)
        try:
            out = partly(admin, *THU_HA)
        finally:
            office.switches.up()
        assert "! switch:sw-b2-1: nobody answers at 127.77." in out
        assert "check power, cable and address, then try again" in out
        assert "directory: 3 done" in out
        again = admin.must(*THU_HA, "--yes")
        assert "switch:sw-b2-1: 1 done" in again.out
        admin.must("undo", "2", "--yes")
        admin.must("undo", "1", "--yes")


def test_a_switch_that_rejects_a_line_and_one_that_ignores_it(office: Office, admin: Admin) -> None:
    faults = office.switches.faults_file("sw-b2-1")
    with left_as_found(office):
        with misbehaving(faults, Faults(reject="switchport voice")):
            out = partly(admin, *THU_HA)
        assert "the switch rejected the line 'switchport voice vlan 120'" in out
        assert "its former lines are in place" in out
        assert port_section(office, "sw-b2-1", FREE_PORT) == ""
        with misbehaving(faults, Faults(ignore="switchport access vlan")):
            out = partly(admin, *THU_HA)
        assert "the switch took the lines without an error, but access_vlan is 1 instead of 20" in out
        assert port_section(office, "sw-b2-1", FREE_PORT) == ""
        admin.must(*THU_HA, "--yes")
        for run in ("3", "2", "1"):
            admin.run("undo", run, "--yes")


def test_a_pc_that_is_switched_off(office: Office, admin: Admin) -> None:
    with left_as_found(office, PC):
        office.pcs.power_off(PC)
        try:
            planned = admin.run("plan", "onboard", "E1042")
            assert planned.code == 1
            out = partly(admin, "onboard", "E1042")
        finally:
            office.pcs.power_on(PC)
        assert "! windows:WS-0042: " in out
        assert "switched on" in out
        assert re.search(r"Plan: \d+ to create, .*; 1 target could not be read\.", out)
        admin.must("onboard", "E1042", "--yes")
        for run in ("2", "1"):
            admin.must("undo", run, "--yes")


def test_a_hand_over_folder_that_cannot_be_written(office: Office, admin: Admin) -> None:
    admin.edit("site.yml", f"handover: {admin.handover}", f"handover: {admin.folder}/people.csv/handover")
    with left_as_found(office):
        out = partly(admin, *THU_HA)
        assert "the initial password of" in out
        assert "make that folder writable or set `handover` in the site" in out
        assert not any("E1043" in str(lines) for lines in directory_entries(office).values())
        admin.must("undo", "1", "--yes")


def test_the_disk_of_the_ledger_is_full(office: Office, admin: Admin) -> None:
    disk = admin.folder / "disk"
    disk.mkdir()
    admin.edit("site.yml", f"ledger: {admin.ledger}", "ledger: disk/ledger.sqlite")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    try:
        with left_as_found(office), slow_switch(office):
            process = admin.start(*THU_HA, "--yes")
            until((disk / "ledger.sqlite").exists)
            told(process, "user account")
            fill(disk / "filler")
            out, err = process.communicate(timeout=60)
            assert process.returncode == 1, out
            assert "the disk is full; make room, then `provision resume`" in err
            assert "Traceback" not in err
            (disk / "filler").unlink()
            admin.must("undo", "1", "--yes")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as sink:
        try:
            while True:
                sink.write(bytes(512))
        except OSError:
            return


# -- cut off in the middle ---------------------------------------------------------------------------------------------


@contextmanager
def slow_switch(office: Office, **faults: str) -> Iterator[None]:
    """The switch takes its time, so that a run can be caught in the middle."""
    with misbehaving(office.switches.faults_file("sw-b2-1"), Faults(delay=0.15, **faults)):  # type: ignore[arg-type]
        yield


def told(process: subprocess.Popen[str], words: str) -> None:
    """Read the program's output until it has told this."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line and line.startswith("✓"):
            return
    pytest.fail(f"it ended without {words!r}: {process.communicate()}")


def test_ctrl_c_finishes_what_is_under_way_and_undo_takes_it_back(office: Office, admin: Admin) -> None:
    with left_as_found(office, PC):
        with slow_switch(office):
            process = admin.start("onboard", "E1042", "--yes")
            told(process, "user account anna.petrova created")
            interrupt(process)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 3, out + err
        assert "Stopping: what is under way will be finished" in out
        assert "Run 1: interrupted" in out
        assert "To go on: provision resume 1; or take it back: provision undo 1" in out
        assert "Proofs" not in out
        assert "access vlan 20" in port_section(office, "sw-b2-1", PORT), "the batch that was under way"
        admin.must("undo", "1", "--yes")


def test_a_second_ctrl_c_leaves_a_hanging_switch_at_once(office: Office, admin: Admin) -> None:
    with left_as_found(office):
        with slow_switch(office, hang="switchport access"):
            process = admin.start(*THU_HA, "--yes")
            told(process, "user account")
            interrupt(process)
            begun = time.monotonic()
            time.sleep(0.5)
            interrupt(process)
            _, err = process.communicate(timeout=60)
        assert time.monotonic() - begun < 10
        assert process.returncode == 130
        assert "Left at once. What was done is kept; what was under way may be half done." in err
        assert "Traceback" not in err
        admin.must("undo", "1", "--yes")


def test_killed_in_the_middle_the_same_command_goes_on_and_both_runs_can_be_undone(
    office: Office, admin: Admin
) -> None:
    with left_as_found(office, PC):
        with slow_switch(office):
            process = admin.start("onboard", "E1042", "--yes")
            told(process, "user account anna.petrova created")
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        assert "running, or ended without a word" in admin.here("show", "run", "1").out
        done = admin.must("onboard", "E1042", "--yes")
        assert re.search(r"Proofs: (\d+) of \1 passed", done.out)
        assert admin.run("plan", "onboard", "E1042").code == 0
        for run in ("2", "1"):
            admin.must("undo", run, "--yes")


def test_killed_in_the_middle_undo_alone_restores_the_office(office: Office, admin: Admin) -> None:
    with left_as_found(office, PC):
        for delay in (0.0, 0.3, 0.7):
            process = admin.start("onboard", "E1042", "--yes")
            told_plan(process)
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if (runs := admin.here("show", "runs", "--output", "json").document) and runs[0]["state"] == "running":
                admin.must("undo", str(runs[0]["run"]), "--yes")


def told_plan(process: subprocess.Popen[str]) -> None:
    """Wait until the plan has been printed, which is when the run begins."""
    assert process.stdout is not None
    for line in process.stdout:
        if " read back" in line:
            return


def test_a_pc_that_dies_in_the_middle(office: Office, admin: Admin) -> None:
    with left_as_found(office, PC):
        process = admin.start("onboard", "E1042", "--yes")
        told(process, "registry key")
        os.kill(int((office.folder / f"windows/{PC}/winrm.pid").read_text().split()[0]), signal.SIGKILL)
        out, err = process.communicate(timeout=90)
        assert process.returncode == 3, out + err
        assert "windows:WS-0042: " in out
        away = admin.run("undo", "1", "--yes")
        assert away.code == 3, "the PC is still off; the rest is taken back"
        assert "windows:WS-0042" in away.out
        office.pcs.power_off(PC)
        office.pcs.power_on(PC)
        admin.must("undo", "1", "--yes")


def test_a_directory_that_dies_in_the_middle(office: Office, admin: Admin) -> None:
    with left_as_found(office):
        with slow_switch(office):
            process = admin.start(*THU_HA, "--yes")
            told(process, "user account")
            kill_samba(office)
            out, err = process.communicate(timeout=100)
        assert process.returncode == 3, out + err
        assert "directory: " in out
        office.up(lambda _: None)
        admin.must(*THU_HA, "--yes")
        for run in ("2", "1"):
            admin.must("undo", run, "--yes")


def kill_samba(office: Office) -> None:
    """kill -9 of the domain controller's processes, all of them its own session's."""
    leader = int(next((office.folder / "dc").rglob("samba.pid")).read_text().split()[0])
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (entry / "stat").exists():
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader or int(entry.name) == leader:
                os.kill(int(entry.name), signal.SIGKILL)


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_no_secret_is_anywhere_but_in_its_file(office: Office, admin: Admin) -> None:
    """The canaries are the lab's real passwords and the new colleague's initial one."""
    report = admin.folder / "report.json"
    with left_as_found(office, PC):
        process = admin.start("-v", "onboard", "E1042", "--yes", "--report", str(report))
        seen = command_lines_until_the_end(process)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
        canaries = {
            path.read_text().strip()
            for path in office.secrets.iterdir()
            if path.suffix != ".keytab"
        }  # fmt: skip
        canaries.add((admin.handover / "anna.petrova.initial-password").read_text().strip())
        canaries.add(office.dc.admin_password.read_text().strip())
        checked = admin.run("-v", "check", "E1042", "--output", "json")
        undone = admin.run("-v", "undo", "1", "--yes", "--output", "json")
        places = {"stdout": out, "stderr": err, "/proc/*/cmdline": seen}
        places |= {"check": checked.out + checked.err, "undo": undone.out + undone.err}
        places |= {
            str(path): path.read_bytes().decode("utf-8", "replace")
            for path in (*admin.folder.rglob("*"), *office.folder.rglob("*.log"))
            if path.is_file() and not path.name.startswith("ledger.sqlite")
        }
        places["ledger.sqlite"] = ledger_octets(admin.folder).decode("utf-8", "replace")
        assert len(canaries) >= 8
        assert "SQLite format 3" in places["ledger.sqlite"]
        leaks = [(place, canary[:2]) for place, text in places.items() for canary in canaries if canary in text]
        assert leaks == []


def command_lines_until_the_end(process: subprocess.Popen[str]) -> str:
    """All command lines and environments of all processes of this machine, sampled while the program runs."""
    found = set()
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found.add(entry.read_bytes())
                if entry.parent.name == str(process.pid):
                    found.add((entry.parent / "environ").read_bytes())
            except OSError:
                continue
        time.sleep(0.005)
    return b"\n".join(sorted(found)).decode("utf-8", "replace")
