"""An admin at a terminal, and what the servers say when their own tools ask them (never our library)."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from provisioning.api import Site
from provisioning.cli.program import PROGRAM
from provisioning.lab.office import Office

ROOT = Path(__file__).parent.parent.parent
_REG = "C:\\windows\\system32\\reg.exe"
# What a domain controller counts and stamps by itself; everything else of an entry is compared.
_STAMPS = (
    "whenchanged", "usnchanged", "dscorepropagationdata", "lastlogon", "lastlogontimestamp", "logoncount",
    "badpwdcount", "badpasswordtime",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """How one call of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What ``--output json`` printed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Admin:
    """Somebody who works with the copy of a site in `folder`, which has a ledger and a hand-over folder of its own."""

    folder: Path

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def handover(self) -> Path:
        return self.folder / "handover"

    def run(self, *words: str, **environment: str) -> Said:
        """``provision --site FOLDER WORDS``, with nobody at the keyboard."""
        done = subprocess.run(
            self._command(words), env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, encoding="utf-8", timeout=100, check=False, cwd=ROOT,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert "this is a bug" not in done.stderr, done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str) -> Said:
        """A call that is expected to end with exit code 0."""
        said = self.run(*words)
        assert said.code == 0, said.out + said.err
        return said

    def here(self, *words: str) -> Said:
        """The same call inside this process, which is a second faster; for verbs that only look."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            PROGRAM.main(["--site", str(self.folder), *words], "provision")
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out.getvalue(), err.getvalue())

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The same call, still under way; its process group is its own, as a shell's job is."""
        return subprocess.Popen(
            self._command(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", start_new_session=True, cwd=ROOT,
        )  # fmt: skip

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "provisioning.cli", "--site", str(self.folder), *words]

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that is in the file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def hire(
        self, person: str, given: str, family: str, *, desk: str = "", profile: str = "sales", **more: str
    ) -> None:
        """One more row in the site's table of people."""
        row = {"person": person, "given_name": given, "family_name": family, "department": "Tests", "profile": profile}
        path = self.folder / "people.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
        columns = list(dict.fromkeys((*rows[0], *more)))
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows([*rows, {**row, "workplace": desk, **more}])

    def take_all_back(self) -> None:
        """Undo whatever a test left, so that one failed test is not the failure of the next."""
        if self.ledger.exists():
            site = Site.load(self.folder)
            for run in site.runs():
                if run.record.undoes is None and run.state != "undone":
                    run.undo()
            site.ledger.close()

    def last_run(self) -> int:
        """The number of the latest run."""
        return int(self.here("show", "runs", "--output", "json").document[0]["run"])


def admin_of(office: Office, folder: Path) -> Admin:
    """An admin with a fresh copy of the lab's site in `folder`."""
    admin = Admin(folder)
    folder.mkdir()
    for file in office.site_folder.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "packages").symlink_to(office.site_folder / "packages")
    lab = str(office.folder)
    admin.edit("site.yml", f"handover: {lab}/handover", f"handover: {admin.handover}")
    admin.edit("site.yml", f"ledger: {lab}/ledger.sqlite", f"ledger: {admin.ledger}")
    return admin


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C in the terminal of a program that :meth:`Admin.start` started."""
    os.killpg(process.pid, signal.SIGINT)


def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


# -- the servers' own tools --------------------------------------------------------------------------------------------


def directory_entries(
    office: Office, condition: str = "(|(objectClass=user)(objectClass=group))"
) -> dict[str, list[str]]:
    """DN → sorted ``attribute: value`` lines, by OpenLDAP's ldapsearch as the domain's administrator."""
    directory = office.inventory.directory
    done = subprocess.run(
        [
            "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-x", "-H", f"ldaps://{directory.server.connect_to}",
            "-D", f"Administrator@{directory.domain}", "-y", str(office.dc.admin_password), "-b", directory.base_dn,
            condition, "*",
        ],
        env={**os.environ, "LDAPTLS_CACERT": str(office.authority.certificate)}, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    entries = {}
    for block in done.stdout.split("\n\n"):
        lines = [_plain(line) for line in block.splitlines() if line and not line.startswith("#")]
        if lines and lines[0].startswith("dn: "):
            kept = [line for line in lines[1:] if line.partition(":")[0].lower() not in _STAMPS]
            entries[lines[0].removeprefix("dn: ")] = sorted(kept)
    return entries


def _plain(line: str) -> str:
    name, colons, value = line.partition(":: ")
    if not colons or ":" in name:
        return line
    return f"{name}: {base64.b64decode(value).decode('utf-8', 'replace')}"


def at_switch(office: Office, switch: str, *lines: str) -> str:
    """Type lines at a switch as a person would; gives what it printed for the last one."""
    host = office.inventory.network.switches[switch]
    trusted = paramiko.HostKeys(str(office.folder / "known_hosts"))
    raw = paramiko.Transport((host.ssh.connect_to, host.ssh.port))
    try:
        raw.start_client()
        assert trusted.check(host.ssh.host, raw.get_remote_server_key())
        raw.auth_password(host.credential.user, (office.secrets / "switch").read_text().strip())
        channel = raw.open_session()
        channel.get_pty()
        channel.invoke_shell()
        channel.settimeout(10)
        _until_prompt(channel)
        for line in ("terminal length 0", *lines):
            channel.sendall(f"{line}\n".encode())
            said = _until_prompt(channel)
    finally:
        raw.close()
    return said.partition("\n")[2].rpartition("\n")[0]


def _until_prompt(channel: paramiko.Channel) -> str:
    text = ""
    while not re.search(r"(^|\n)\S+#\s*$", text):
        text += channel.recv(65536).decode().replace("\r", "")
    return text


def running_config(office: Office, switch: str) -> str:
    """``show running-config`` as a person at the switch sees it."""
    return at_switch(office, switch, "show running-config")


@contextmanager
def by_hand(office: Office, switch: str, port: str, description: str) -> Iterator[None]:
    """Somebody else describes a port while the block runs."""
    former = re.search(r" description (.*)", port_section(office, switch, port))
    at_switch(office, switch, "configure terminal", f"interface {port}", f"description {description}", "end")
    try:
        yield
    finally:
        line = f"description {former[1]}" if former else "no description"
        at_switch(office, switch, "configure terminal", f"interface {port}", line, "end")


def port_section(office: Office, switch: str, port: str) -> str:
    """The lines of one port in the running configuration."""
    found = re.search(rf"^interface {re.escape(port)}\n((?: .*\n)*)", running_config(office, switch), re.MULTILINE)
    assert found, f"{switch} has no {port}"
    return found[1]


def forwarding(office: Office) -> list[str]:
    """Every port of the bridges with its VLANs, by ovs-vsctl."""
    done = subprocess.run(
        [
            "ovs-vsctl", f"--db=unix:{office.network.database_socket}", "--format=csv", "--no-headings",
            "--columns=name,tag,trunks,vlan_mode", "list", "port",
        ],
        capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    # A port without any setting is a trunk, and so it is called once its switch was restarted.
    return sorted(line.replace(",[],[],[]", ",[],[],trunk") for line in done.stdout.splitlines())


def registry(office: Office, pc: str, key: str) -> str:
    """``reg query KEY /s`` at the PC itself, without WinRM; empty when there is no such key."""
    # Wine's own environment words: the only thing that is taken from the lab's code.
    from provisioning.lab.windows.prefix import wine_command, wine_environment  # noqa: PLC0415

    prefix = office.folder / "windows" / pc / "prefix"
    done = subprocess.run(
        wine_command(_REG, "query", key, "/s", "/reg:64"), env=wine_environment(prefix), cwd=prefix,
        capture_output=True, text=True, timeout=60, check=False, errors="replace",
    )  # fmt: skip
    return done.stdout.replace("\r", "") if done.returncode == 0 else ""


def pc_state(office: Office, pc: str) -> dict[str, object]:
    """Policies and installed programs in the registry, and the files that installers leave."""
    drive = office.folder / "windows" / pc / "prefix" / "drive_c"
    uninstall = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
    folders = ("Program Files", "Program Files (x86)", "ProgramData", "windows/Temp")
    return {
        # An empty key is no policy; `reg query` prints it as a heading without values.
        "policies": [
            line for line in registry(office, pc, "HKLM\\SOFTWARE\\Policies").splitlines() if line[:4] == "    "
        ],
        "programs": registry(office, pc, f"HKLM\\{uninstall}"),
        "programs32": registry(office, pc, f"HKLM\\SOFTWARE\\Wow6432Node{uninstall.removeprefix('SOFTWARE')}"),
        "files": sorted(
            str(path.relative_to(drive)) for name in folders for path in (drive / name).rglob("*") if path.is_file()
        ),
    }


@dataclass(frozen=True)
class Snapshot:
    """The whole office, as far as onboarding may change it."""

    directory: dict[str, list[str]]
    switches: dict[str, str]
    forwarding: list[str]
    pcs: dict[str, dict[str, object]]

    @classmethod
    def of(cls, office: Office, *pcs: str) -> Snapshot:
        names = office.inventory.network.switches
        return cls(
            directory_entries(office),
            {name: running_config(office, name) for name in names},
            forwarding(office),
            {pc: pc_state(office, pc) for pc in pcs},
        )


@contextmanager
def left_as_found(office: Office, *pcs: str) -> Iterator[Snapshot]:
    """Compare the office before and after the block, system by system."""
    before = Snapshot.of(office, *pcs)
    yield before
    after = Snapshot.of(office, *pcs)
    assert after.directory == before.directory
    assert after.switches == before.switches
    assert after.forwarding == before.forwarding
    assert after.pcs == before.pcs
