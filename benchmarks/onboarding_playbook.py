"""One onboarding as a playbook of stock modules: community.general.ldap_entry and ldap_attrs, cisco.ios.ios_config, and
ansible.builtin.command where there is no module (Samba's, OpenLDAP's and MIT Kerberos's programs, curl, sipsak).

It does less than the others: nothing on the PC (ansible.windows needs PowerShell, and Wine has none), no file for the
desk phone (ansible.builtin.copy needs Python on that server), no proofs of PC and folders.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.office_programs import PC, SWITCH
from benchmarks.onboarding_floor import OUTLOOK, Floor
from benchmarks.onboarding_office import LOGIN, PORT
from benchmarks.onboarding_pattern import Pattern
from provisioning.lab.office import Office

_SETTINGS = """[defaults]
host_key_checking = False
stdout_callback = ansible.builtin.minimal
retry_files_enabled = False
local_tmp = {folder}/tmp
[persistent_connection]
command_timeout = 60
control_path_dir = {folder}/pc
"""

Task = dict[str, Any]


class Playbook(Floor):
    """The playbook of one turn, and ``ansible-playbook``, which runs it."""

    def __init__(self, lab: Office, folder: Path, pattern: Pattern, password: str, program: Path) -> None:
        super().__init__(lab, folder, pattern, password)
        self._program = program
        (folder / "ansible.cfg").write_text(_SETTINGS.format(folder=folder), encoding="utf-8")
        host = lab.inventory.network.switches[SWITCH]
        switch = {
            "ansible_host": host.ssh.connect_to, "ansible_port": host.ssh.port, "ansible_user": host.credential.user,
            "ansible_password": (lab.secrets / "switch").read_text(encoding="utf-8").strip(),
            "ansible_connection": "ansible.netcommon.network_cli", "ansible_network_os": "cisco.ios.ios",
        }  # fmt: skip
        here = {"ansible_connection": "local", "ansible_python_interpreter": str(program.with_name("python"))}
        self._file("inventory.yml", yaml.safe_dump({"all": {"hosts": {"localhost": here, SWITCH: switch}}}))

    def run(self) -> float:
        """Seconds of one ``ansible-playbook``, from its start to its end."""
        plays = [
            {"hosts": "localhost", "gather_facts": False, "tasks": [*self._accounts(), *self._here()]},
            {"hosts": SWITCH, "gather_facts": False, "tasks": self._port()},
            {"hosts": "localhost", "gather_facts": False, "tasks": self._proofs()},
            {"hosts": SWITCH, "gather_facts": False, "tasks": self._port_proof()},
        ]
        self._file("play.yml", yaml.safe_dump(plays, sort_keys=False, allow_unicode=True))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= self._krb | {
            "ANSIBLE_CONFIG": str(self._folder / "ansible.cfg"), "HOME": str(self._folder),
            "LDAPTLS_CACERT": str(self._lab.authority.certificate),
        }  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(
            [str(self._program), "-i", "inventory.yml", "play.yml"], cwd=self._folder, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        took = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"ansible-playbook: {done.stdout[-3000:]}{done.stderr[-2000:]}")
        return took

    def _accounts(self) -> list[Task]:
        server = {
            "server_uri": f"ldaps://{self._lab.inventory.directory.server.connect_to}",
            "ca_path": str(self._lab.authority.certificate),
            "bind_dn": f"svc-provision@{self._domain}",
            "bind_pw": self._provision.read_text(encoding="utf-8"),
        }
        tasks: list[Task] = []
        for record in self._pattern.ldif.strip().split("\n\n"):
            lines = [_plain(line) for line in record.splitlines()]
            dn = lines[0][1]
            if lines[1][1] == "modify":
                tasks.append(
                    {"community.general.ldap_attrs": {**server, "dn": dn, "attributes": {"member": lines[3][1]}}}
                )
                continue
            attributes: dict[str, list[str]] = {}
            for name, value in lines[3:]:
                attributes.setdefault(name, []).append(value)
            entry = {"dn": dn, "objectClass": lines[2][1], "attributes": attributes}
            tasks.append({"community.general.ldap_entry": {**server, **entry}})
        return tasks

    def _here(self) -> list[Task]:
        tasks = [_command(["sqlite3", str(self._lab.telephony.database), self.subscriber()])]
        for (share, name), entries in self._pattern.access.items():
            tasks.append(_command(self.smb("smbclient", share, "-c", f'mkdir "{name}"')))
            tasks.append(_command(self.smb("smbcacls", share, name, "-S", entries)))
            tasks.append(_command(self.smb("smbcacls", share, name, "-I", "remove")))
        return [*tasks, _command(self.quota())]

    def _port(self) -> list[Task]:
        lines = ["shutdown", *self._pattern.port, "no shutdown"]
        config = {"parents": [f"interface {PORT}"], "lines": lines, "match": "none", "save_when": "always"}
        return [{"cisco.ios.ios_config": config}]

    def _proofs(self) -> list[Task]:
        server = f"ldaps://{self._lab.inventory.directory.server.connect_to}"
        who = ["ldapwhoami", "-x", "-H", server, "-D", f"{LOGIN}@{self._domain}", "-y", str(self._initial)]
        mac = self._lab.inventory.workstations[PC].mac
        lease = {"path": str(self._lab.network.leases), "search_regex": rf"{mac} 10\.20\.20\."}
        return [
            {**_command(who), "register": "who", "failed_when": "'data 773' not in who.stderr"},
            *self._mail_proofs(),
            _command(self.mail_settings(OUTLOOK)),
            *self._intranet_proofs(),
            {"ansible.builtin.wait_for": lease},
            *self._phone_proofs(),
        ]

    def _mail_proofs(self) -> list[Task]:
        mail, tasks = self._lab.inventory.mail, list[Task]()
        for number, address in enumerate(self.addresses()):
            token = secrets.token_hex(16)
            text = f"From: {mail.check_sender}\nTo: {address}\nX-Bench: {token}\n\ncheck\n"
            message = self._file(f"message-{number}", text)
            send = self.curl(mail.smtp.host, mail.smtp.port, mail.smtp.connect_to, *self.sending(address, message))
            search, remove = self.reading(token, "1")
            found = {"register": "found", "until": "found.stdout is search('SEARCH [0-9]')", "retries": 200, "delay": 0}
            tasks += [_command(send), {**_command(search), **found}, _command(remove)]
        return tasks

    def _intranet_proofs(self) -> list[Task]:
        keytab, own = self._lab.secrets / "intranet.keytab", f"FILE:{self._folder}/web"
        intranet = self._lab.inventory.intranet
        first = _command(["kinit", "-k", "-t", str(keytab), intranet.check.principal], KRB5CCNAME=own)
        tasks = [first]
        for login, pages, wanted in ((LOGIN, ("sales", "travel"), "200 200"), ("svc-check", ("sales",), "403")):
            tasks.append(_command(self.stand_in(login, keytab), KRB5CCNAME=own))
            ask = _command(self.pages(pages), KRB5CCNAME=f"FILE:{self._folder}/as-{login}")
            tasks.append({**ask, "register": "said", "failed_when": f"said.stdout | trim != '{wanted}'"})
        return tasks

    def _phone_proofs(self) -> list[Task]:
        right, wrong = (_command(self.registering(password)) for password in (self._sip, "another one"))
        return [right, {**wrong, "register": "said", "failed_when": "said.rc == 0"}]

    def _port_proof(self) -> list[Task]:
        dotted = ".".join(re.findall("....", self._lab.inventory.workstations[PC].mac.replace(":", "")))
        asked = {"commands": [f"show mac address-table interface {PORT}"], "wait_for": [f"result[0] contains {dotted}"]}
        return [{"cisco.ios.ios_command": {**asked, "interval": 1}}]


def _plain(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    if not value.startswith(":"):
        return name, value.strip()
    octets = base64.b64decode(value[1:])
    # ldap_entry encodes texts as UTF-8, so a password in UTF-16 is given as a text of its octets
    return name, octets.decode("latin-1" if name == "unicodePwd" else "utf-8")


def _command(words: list[str], **environment: str) -> Task:
    task: Task = {"ansible.builtin.command": {"argv": words}, "changed_when": True}
    return task | ({"environment": environment} if environment else {})
