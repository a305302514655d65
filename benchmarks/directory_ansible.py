"""The alternative in the directory's benchmarks: community.general's ``ldap_entry``, one item an account, and
``ldap_attrs``, one item a group with all its members.

Both are Ansible's ordinary way; each item starts the module anew, signs in, works, and leaves. A part of the work is
measured and scaled: the playbook's own start (measured with nobody in it) is not.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence

from benchmarks.directory_lab import DirectoryLab
from benchmarks.directory_people import MadeUp, members
from benchmarks.measuring import Asked, seconds

WAY = "ansible-playbook: community.general.ldap_entry, ldap_attrs"
_PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Accounts
      community.general.ldap_entry:
        server_uri: "{{ server }}"
        bind_dn: "{{ user }}"
        bind_pw: "{{ password }}"
        ca_path: "{{ trust }}"
        dn: "{{ item.dn }}"
        objectClass: user
        attributes: "{{ item.attributes }}"
      loop: "{{ people }}"
      loop_control: {label: "{{ item.dn }}"}
    - name: Groups
      community.general.ldap_attrs:
        server_uri: "{{ server }}"
        bind_dn: "{{ user }}"
        bind_pw: "{{ password }}"
        ca_path: "{{ trust }}"
        dn: "{{ item.key }}"
        attributes:
          member: "{{ item.value }}"
      loop: "{{ memberships | dict2items }}"
      loop_control: {label: "{{ item.key }}"}
"""


def usable(asked: Asked) -> bool:
    """Whether there is an Ansible with python-ldap; says so when there is none."""
    python = asked.ansible.with_name("python")
    if python.exists() and not subprocess.run([str(python), "-c", "import ldap"], check=False).returncode:
        return True
    asked.note(f"Ansible is left out: {asked.ansible} is not there, or has no python-ldap (`make bench` installs both)")
    return False


def scaled(asked: Asked, lab: DirectoryLab, part: Sequence[MadeUp], whole: int, *, changed: bool) -> float:
    """Seconds that `whole` accounts would take: the playbook's own start, and `whole` times what one of `part` takes.
    Raises ``SystemExit`` unless everything changed (or nothing, without `changed`)."""
    start = _seconds(asked, lab, [], changed=False)
    took = _seconds(asked, lab, part, changed=changed)
    return start + max(took - start, 0.0) * whole / len(part)


def _seconds(asked: Asked, lab: DirectoryLab, part: Sequence[MadeUp], *, changed: bool) -> float:
    folder = lab.folder / "ansible"
    folder.mkdir(mode=0o700, exist_ok=True)
    playbook, variables = folder / "playbook.yml", folder / "variables.json"
    playbook.write_text(_PLAYBOOK, encoding="utf-8")
    settings = folder / "ansible.cfg"
    settings.write_text("[defaults]\n", encoding="utf-8")  # not this project's, nor the user's
    variables.touch(mode=0o600)
    variables.write_text(json.dumps(_variables(asked, lab, part)), encoding="utf-8")
    words = [str(asked.ansible), "-i", "localhost,", str(playbook), "-e", f"@{variables}"]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_HOME": str(folder),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_NOCOLOR": "1",
    }
    said: list[str] = []

    def play() -> None:
        done = subprocess.run(
            words, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        said.append(done.stdout)
        if done.returncode:
            raise SystemExit(f"ansible-playbook ended with {done.returncode}:\n{_end(done.stdout)}")

    took = seconds(play)
    lines = sum(line.startswith("changed:") for line in said[0].splitlines())
    wanted = len(part) + len(members(part)) if changed else 0
    if lines != wanted:
        raise SystemExit(f"ansible-playbook changed {lines} things, {wanted} were expected:\n{_end(said[0])}")
    return took


def _variables(asked: Asked, lab: DirectoryLab, part: Sequence[MadeUp]) -> dict[str, object]:
    directory = lab.office.inventory.directory
    return {
        "ansible_python_interpreter": str(asked.ansible.with_name("python")),
        "server": f"ldaps://{directory.server.connect_to}:{directory.server.port}",
        "user": str(directory.credential.user),
        "password": lab.password_file.read_text(encoding="utf-8"),
        "trust": str(lab.trust),
        "people": [{"dn": one.dn, "attributes": _attributes(one)} for one in part],
        "memberships": members(part),
    }


def _attributes(one: MadeUp) -> dict[str, str]:
    """The password in UTF-16 is plain ASCII with a NUL behind each character, which Ansible takes as a text."""
    sent = {name: value.decode("ascii") if isinstance(value, bytes) else value for name, value in one.to_add().items()}
    return {name: value for name, value in sent.items() if name != "objectClass"}


def _end(text: str) -> str:
    """The last lines, without what the tasks were told."""
    return "\n".join(line[:300] for line in text.splitlines()[-12:])
