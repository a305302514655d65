"""The whole office of the lab, for the rows about one new colleague: started, looked at and tidied.

Nothing here uses this project's own ways to the systems. What is there is asked of OpenLDAP's, Samba's, Wine's, Open
vSwitch's and SQLite's own programs, and of the switch by typing; so is what is removed between two turns.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Asked
from benchmarks.office_programs import PC, at_switch, base, ldap, netbios, run, samba, wine
from provisioning.lab.office import Office, standing
from provisioning.lab.site_copy import write_site

EXAMPLE = Path(__file__).parents[1] / "inventories/example"
PERSON, LOGIN, EXTENSION = "E1042", "anna.petrova", "1042"
PORT, PHONE_FILE = "GigabitEthernet1/0/12", "02005e104043.cfg"
FOLDERS = (("homes$", LOGIN), ("departments", "Sales"))
POLICIES = "HKLM\\SOFTWARE\\Policies"
OUTLOOK = "HKLM\\SOFTWARE\\Microsoft\\Active Setup\\Installed Components\\Provisioning.Outlook"
SYSTEM = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
PRINTERS = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Print\\Connections"
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
KEYS = (POLICIES, OUTLOOK, SYSTEM, PRINTERS)
"""The registry keys that an onboarding writes to, or above those."""

# What a domain controller gives and counts by itself.
_STAMPS = {
    "objectguid", "objectsid", "whencreated", "whenchanged", "usncreated", "usnchanged", "dscorepropagationdata",
    "lastlogon", "lastlogontimestamp", "lastlogoff", "logoncount", "badpwdcount", "badpasswordtime",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What the servers themselves say, as far as one onboarding goes."""

    directory: Mapping[str, Sequence[str]]
    port: str
    saved: bool
    forwarding: str
    registry: Mapping[str, str]
    programs: Sequence[str]
    subscriber: str
    phone: str
    folders: Mapping[str, str]
    quota: str
    lease: bool

    def differences(self, other: Seen) -> list[str]:
        """Where the two are not the same, a line each."""
        found = []
        for name, mine in vars(self).items():
            here, there = _lines(mine), _lines(getattr(other, name))
            found += [f"{name}: {line[:200]} (not wanted)" for line in here if line not in there]
            found += [f"{name}: {line[:200]} (missing)" for line in there if line not in here]
        return found


@contextmanager
def office_of(asked: Asked) -> Iterator[Office]:
    """The whole lab, running: the one that stands under that number, else one of its own, taken down afterwards."""
    found = standing(asked.number)
    if found is not None and all(part.running for part in found.status()):
        yield found
        return
    folder = asked.folder / "lab-site"
    write_site(EXAMPLE, folder, asked.number)
    lab = Office(folder, asked.number)
    try:
        lab.up(lambda _: None)
        yield lab
    finally:
        lab.down(lambda _: None)


def site_of(lab: Office, folder: Path) -> Path:
    """A copy of the lab's site in `folder`, with a ledger and a hand-over folder of its own."""
    folder.mkdir(parents=True)
    for file in lab.site_folder.iterdir():
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            for name in ("handover", "ledger.sqlite"):
                text = text.replace(f"{lab.folder}/{name}", str(folder / name))
            (folder / file.name).write_text(text, encoding="utf-8")
    (folder / "packages").symlink_to(lab.site_folder / "packages")
    return folder


def look(lab: Office) -> Seen:
    """Ask everybody."""
    configured = at_switch(lab, [f"show running-config interface {PORT}", "show startup-config"])
    lines = re.search(rf"^interface {re.escape(PORT)}\n((?: .*\n)*)", configured[0] + "\n", re.MULTILINE)
    port = lines[1] if lines else ""
    saved = re.search(rf"^interface {re.escape(PORT)}\n((?: .*\n)*)", configured[1] + "\n", re.MULTILINE)
    registry = {key: wine(lab, "reg.exe", "query", key, "/s", "/reg:64") for key in KEYS}
    file = phone_file(lab)
    return Seen(
        directory=entries(lab),
        port=port,
        saved=(saved[1] if saved else "") == port,
        forwarding=_forwarding(lab),
        # An empty key is no policy; `reg query` prints it as a heading without values.
        registry={key: "\n".join(_values(text)) for key, text in registry.items()},
        programs=sorted(re.findall(r"DisplayName +REG_SZ +(.*)", wine(lab, "reg.exe", "query", UNINSTALL, "/s"))),
        subscriber=_sql(lab, "SELECT username, domain, length(ha1), length(ha1b) FROM subscriber"),
        phone=re.sub(r"(\.password = ).+", r"\1…", file.read_text(encoding="utf-8")) if file.exists() else "",
        folders={f"{share}/{name}": _access(lab, share, name) for share, name in FOLDERS},
        quota=_quota(lab),
        lease=_mac(lab) in lab.network.leases.read_text(encoding="utf-8") if lab.network.leases.exists() else False,
    )


def entries(lab: Office) -> dict[str, list[str]]:
    """DN → sorted ``attribute: value`` lines of the new colleague's account and the PC's, by ldapsearch."""
    found = {}
    for block in ldap(lab, "ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base(lab), _ours(), "*").split("\n\n"):
        lines = [_plain(line) for line in block.splitlines() if line and not line.startswith("#")]
        if lines and lines[0].startswith("dn: "):
            kept = [line for line in lines[1:] if line.partition(":")[0].lower() not in _STAMPS]
            found[lines[0].removeprefix("dn: ")] = sorted(kept)
    return found


def tidy(lab: Office, before: Seen) -> None:
    """Take away all that an onboarding makes, by the servers' own tools; raises SystemExit when something is left."""
    for vendor in ("Google", "Microsoft", "Mozilla"):  # the key above is always there
        wine(lab, "reg.exe", "delete", f"{POLICIES}\\{vendor}", "/f", "/reg:64")
    wine(lab, "reg.exe", "delete", OUTLOOK, "/f", "/reg:64")
    for name in ("InactivityTimeoutSecs", "DontDisplayLastUserName"):
        wine(lab, "reg.exe", "delete", SYSTEM, "/v", name, "/f", "/reg:64")
    wine(lab, "reg.exe", "delete", f"{PRINTERS}\\,,print.corp.example,B2-Sales", "/f", "/reg:64")
    for code in product_codes(lab):
        wine(lab, "msiexec.exe", "/x", code, "/qn")
    _sql(lab, f"DELETE FROM subscriber WHERE username = '{EXTENSION}'")  # noqa: S608  (a number)
    phone_file(lab).unlink(missing_ok=True)
    if any(dn.startswith("CN=") for dn in entries(lab)):
        samba(lab, "smbcquotas", "quota$", "-S", f"UQLIM:{netbios(lab)}\\{LOGIN}:0/0")
    for share, name in FOLDERS:
        samba(lab, "smbclient", share, "-c", f'rmdir "{name}"')
    gone = "".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in entries(lab))
    if gone:
        ldap(lab, "ldapmodify", text=gone)
    reset = ["configure terminal", f"default interface {PORT}", f"interface {PORT}", "shutdown", "no shutdown"]
    at_switch(lab, [*reset, *(line.strip() for line in before.port.splitlines()), "end", "write memory"])
    settle(lab, before)


def forget_leases(lab: Office) -> None:
    """Let the DHCP server begin anew: it remembers leases for an hour."""
    dhcp = lab.network._dhcp
    dhcp._process.stop()
    if lab.network.leases.exists():
        lab.network.leases.write_text("", encoding="utf-8")
    config = dhcp._folder / "dnsmasq.conf"
    dhcp._process.start(["ip", "netns", "exec", dhcp._namespace, "dnsmasq", f"--conf-file={config}"])


def settle(lab: Office, before: Seen) -> None:
    """Let the DHCP server forget the lease, and see that all is as it was in the beginning."""
    forget_leases(lab)
    deadline = time.monotonic() + 30
    while (wrong := look(lab).differences(before)) and time.monotonic() < deadline:
        time.sleep(0.3)
    if wrong:
        raise SystemExit("the office is not as it was before: " + "\n".join(wrong))


def phone_file(lab: Office) -> Path:
    """The desk phone's file, where it lies on this machine."""
    return lab.phone_files / PHONE_FILE


def product_codes(lab: Office) -> list[str]:
    """The newest versions of the packages that the profile gives, as Windows Installer calls them."""
    software = lab.inventory.software
    names = lab.inventory.profiles[lab.inventory.people[PERSON].profile].software
    return [code for name in names if (code := software[name].versions[0].product_code)]


def _lines(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {line}" for name, inner in value.items() for line in _lines(inner)]
    return str(value).splitlines() if isinstance(value, str) else [str(one) for one in _listed(value)]


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


def _ours() -> str:
    return f"(|(sAMAccountName={LOGIN})(sAMAccountName={PC}$))"


def _plain(line: str) -> str:
    if re.fullmatch(r"pwdLastSet: [1-9]\d*", line):
        return "pwdLastSet: then"
    name, colons, value = line.partition(":: ")
    return f"{name}: {base64.b64decode(value).decode('utf-8', 'replace')}" if colons and ":" not in name else line


def _values(text: str) -> list[str]:
    lines, heading = [], ""
    for line in text.splitlines():
        if line.startswith("HKEY_"):
            heading = line.strip()
        elif line.startswith("    "):
            lines.append(f"{heading}: {line.strip()}")
    return sorted(lines)


def _forwarding(lab: Office) -> str:
    words = ["ovs-vsctl", f"--db=unix:{lab.network.database_socket}", "--format=csv", "--no-headings"]
    said = run([*words, "--columns=name,tag,trunks,vlan_mode", "list", "port"])
    # A port without any setting is a trunk, and so it is called once its switch was restarted.
    return "\n".join(sorted(line.replace(",[],[],[]", ",[],[],trunk") for line in said.splitlines()))


def _sql(lab: Office, statement: str) -> str:
    return run(["sqlite3", str(lab.telephony.database), statement])


def _access(lab: Office, share: str, name: str) -> str:
    said = samba(lab, "smbcacls", share, name)
    return "\n".join(sorted(line for line in said.splitlines() if line.startswith(("OWNER", "CONTROL", "ACL")))) or ""


def _quota(lab: Office) -> str:
    said = samba(lab, "smbcquotas", "quota$", "-u", LOGIN)
    return " ".join(said.split()) if ":" in said and "NT_STATUS" not in said else ""


def _mac(lab: Office) -> str:
    return lab.inventory.workstations[PC].mac
