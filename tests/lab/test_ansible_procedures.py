"""Whole procedures as a playbook: somebody joins, moves, leaves, comes back; each asked for twice, as playbooks are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.lab.office import Office
from tests.lab.admin import Admin, Said, admin_of, directory_entries, port_section

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

OLD, NEW = ("sw-b2-1", "GigabitEthernet1/0/12"), ("sw-b2-1", "GigabitEthernet1/0/11")
ANNA = "CN=Анна Петрова,OU=Sales,OU=Staff,DC=corp,DC=example"
MOVED = 2
"""Number of the run that moved her."""

DISABLED = 0x2  # ACCOUNTDISABLE (MS-ADTS 2.2.16)
LEFT = "CN=Анна Петрова (E1042),OU=Leavers,DC=corp,DC=example"

PLAYBOOK = """
- name: One colleague's year
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Joins
      tags: [join]
      workplace.provisioning.onboard:
        persons: [E1042]
      register: joined
    - name: Is there
      tags: [join]
      ansible.builtin.assert:
        that: joined.login == "anna.petrova" and joined.desk == "B-204-3" and joined.workstation == "WS-0042"
    - name: Joins again
      tags: [again]
      workplace.provisioning.onboard:
        persons: [Anna Petrova]
      register: again
    - name: Has not changed
      tags: [again]
      ansible.builtin.assert:
        that: again is not changed and again.extension == "1042"
    - name: Moves
      tags: [move]
      workplace.provisioning.move:
        who: E1042
        to: B-204-2
    - name: Moves again
      tags: [move]
      workplace.provisioning.move:
        moves: [{who: E1042, to: B-204-2}]
      register: moved
    - name: Leaves
      tags: [leave]
      workplace.provisioning.offboard:
        person: E1042
        manager_of_reports: E1001
      register: left
    - name: Has things to return
      tags: [leave]
      ansible.builtin.assert:
        that: "'NW-20042' in (left.to_return | map(attribute='number'))"
    - name: Leaves again
      tags: [leave]
      workplace.provisioning.offboard:
        person: anna.petrova
    - name: Comes back
      tags: [back]
      workplace.provisioning.reinstate:
        person: E1042
    - name: Comes back again
      tags: [back]
      workplace.provisioning.reinstate:
        person: E1042
    - name: Take back what a run did
      tags: [undo]
      workplace.provisioning.undo:
        run: "{{ number }}"
    - name: And again
      tags: [undo]
      workplace.provisioning.undo:
        run: "{{ number }}"
    - name: Prove it
      tags: [never, prove]
      workplace.provisioning.check:
        names: [E1042]
"""


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Iterator[Admin]:
    somebody = admin_of(office, tmp_path / "site")
    somebody.edit("profiles.yml", "software: [crm-client, office-fonts]", "software: []")  # it has no part in this
    (tmp_path / "year.yml").write_text(PLAYBOOK, encoding="utf-8")
    yield somebody
    somebody.take_all_back()


def play(admin: Admin, tags: str, *words: str) -> Said:
    """``ansible-playbook year.yml --tags TAGS``, as an admin types it in a folder of no repository."""
    command = [
        sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "year.yml", "--tags", tags, *words,
    ]  # fmt: skip
    environment = {**os.environ, "PROVISION_SITE": str(admin.folder), "ANSIBLE_LOCALHOST_WARNING": "False"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8",
        timeout=150, check=False, cwd=admin.folder.parent,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


def changed(said: Said) -> int:
    """How many tasks changed something; none may have failed."""
    assert said.code == 0, said.out + said.err
    found = re.search(r"changed=(\d+) ", said.out)
    assert found, said.out
    return int(found[1])


def account_flags(entry: list[str]) -> int:
    """userAccountControl of an entry of :func:`directory_entries`."""
    return next(int(line.partition(": ")[2]) for line in entry if line.startswith("userAccountControl: "))


def test_somebody_joins_moves_leaves_and_comes_back(office: Office, admin: Admin) -> None:
    desk = next(name for name in ("WS-0042", "ws-0042") if name in office.network._desks)

    looked = play(admin, "join", "--check", "--diff")
    assert changed(looked) == 1
    assert "hannah.brandt" in looked.out, "the diff is the plan, with the manager's login"
    assert ANNA not in directory_entries(office)
    assert not admin.ledger.exists(), "a look leaves nothing behind"

    assert changed(play(admin, "join,again")) == 1, "the second time, all is as it should be"
    assert "physicalDeliveryOfficeName: B-204-3" in directory_entries(office)[ANNA]
    before = port_section(office, *OLD)

    office.network.move(desk, *NEW)
    try:
        assert changed(play(admin, "move,leave")) == 2
        gone = directory_entries(office)
        assert ANNA not in gone
        assert account_flags(gone[LEFT]) & DISABLED
        assert " shutdown\n" in port_section(office, *NEW)
        assert " shutdown\n" in port_section(office, *OLD)

        assert changed(play(admin, "back")) == 1
        back = directory_entries(office)[ANNA]
        assert not account_flags(back) & DISABLED
        assert "physicalDeliveryOfficeName: B-204-2" in back
        assert " description B-204-2 B2-04B WS-0042\n" in port_section(office, *NEW)
    finally:
        office.network.move(desk, *OLD)

    assert changed(play(admin, "undo", "--extra-vars", json.dumps({"number": MOVED}))) == 1
    assert "physicalDeliveryOfficeName: B-204-3" in directory_entries(office)[ANNA]
    assert port_section(office, *OLD) == before


def test_a_proof_that_does_not_pass_fails_the_task_in_check_mode_too(admin: Admin) -> None:
    nobody = play(admin, "prove", "--check")
    assert nobody.code == 2
    assert "E1042 has no account yet, so there is nothing to check" in nobody.out
