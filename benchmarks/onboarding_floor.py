"""The floor of one onboarding: each step by the barest tool, one after the other, on connections that stay open where
the tool can keep one. Nothing is read before, nothing is verified after but by the proofs, nothing is written down.

What it writes was found on the servers after one of our own onboardings
(:class:`~benchmarks.onboarding_pattern.Pattern`), so the end state is the same. Files and texts are made before the
clock starts. The parts that have no program of their own (SSH with a password, WinRM) run in this process, whose
imports are not counted: a process of their own would only be slower.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import office_programs as theirs
from benchmarks import onboarding_office as office
from benchmarks.office_programs import PC, SWITCH
from benchmarks.onboarding_office import EXTENSION, FOLDERS, LOGIN, PORT
from benchmarks.onboarding_pattern import Pattern
from benchmarks.onboarding_tools import Tools, sftp_to
from provisioning.lab.office import Office

OUTLOOK = (
    '<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/'
    'outlook/requestschema/2006"><Request><EMailAddress>somebody@corp.example</EMailAddress><AcceptableResponseSchema>'
    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>"
    "</Request></Autodiscover>"
)


class Floor(Tools):
    """One onboarding by bare tools: `steps` by name, in the order in which they are done."""

    def __init__(self, lab: Office, folder: Path, pattern: Pattern, password: str) -> None:
        super().__init__(lab, folder)
        self._pattern = pattern
        self._initial = self._file("initial", password)
        self._sip = "sip-password-of-the-floor"
        self._file("ours.ldif", pattern.ldif)
        self._file("phone.cfg", re.sub(r"(\.password = ).+", rf"\g<1>{self._sip}", pattern.phone))
        (folder / "policies.reg").write_bytes(pattern.registry)

    def seconds(self) -> dict[str, float]:
        """Do it all; how long each step took."""
        took = {}
        for name, step in self.steps().items():
            began = time.perf_counter()
            step()
            took[name] = time.perf_counter() - began
        self._hang_up()
        return took

    def steps(self) -> dict[str, Callable[[], None]]:
        """Name → what is done. What begins with ``proof`` changes nothing."""
        return {
            "directory": self._directory,
            "switch": self._switch,
            "PC": self._pc,
            "phone": self._phone,
            "folders": self._folders,
            "proof sign-in": self._prove_sign_in,
            "proof mail": self._prove_mail,
            "proof mail settings": self._prove_mail_settings,
            "proof intranet": self._prove_intranet,
            "proof network": self._prove_network,
            "proof PC": self._prove_pc,
            "proof phone": self._prove_phone,
            "proof folders": self._prove_folders,
        }

    # ------------------------------------------------------------------------------------------------------- changes

    def _directory(self) -> None:
        self.ldap(["ldapmodify"], f"svc-provision@{self._domain}", self._provision, self._folder / "ours.ldif")

    def _switch(self) -> None:
        lines = ["configure terminal", f"interface {PORT}", "shutdown", *self._pattern.port, "no shutdown", "end"]
        self._type([*lines, "write memory"], rf"\[OK\]\s+{SWITCH}#$")

    def _pc(self) -> None:
        packages = self.packages()
        puts = "; ".join(f'put "{file}" "{file.name}"' for file in (self._folder / "policies.reg", *packages))
        address = self._lab.inventory.workstations[PC].address
        words = ["smbclient", f"//{address}/C$", "-A", str(self._deploy), "-m", "SMB3"]
        theirs.run([*words, "-c", f"cd Windows\\Temp; {puts}"])
        self.on_pc("reg import C:\\Windows\\Temp\\policies.reg /reg:64")
        for file, properties in packages.items():
            said = " ".join(f"{name}={value}" for name, value in properties.items())
            self.on_pc(f"msiexec /i C:\\Windows\\Temp\\{file.name} /qn /norestart {said}".strip())

    def _phone(self) -> None:
        theirs.run(["sqlite3", str(self._lab.telephony.database), self.subscriber()])
        files = self._lab.inventory.phones.files if self._lab.inventory.phones else None
        assert files is not None  # noqa: S101  (the example site has it)
        with sftp_to(files.ssh.connect_to, files.ssh.port, files.credential.user, self._lab.secrets / "phones") as sftp:
            place = f"{files.folder}/{office.PHONE_FILE}"
            sftp.put(str(self._folder / "phone.cfg"), place, confirm=False)
            sftp.chmod(place, 0o640)

    def _folders(self) -> None:
        for (share, name), entries in self._pattern.access.items():
            theirs.run(self.smb("smbclient", share, "-c", f'mkdir "{name}"'))
            theirs.run(self.smb("smbcacls", share, name, "-S", entries))
            theirs.run(self.smb("smbcacls", share, name, "-I", "remove"))  # which it cannot say in the same call
        theirs.run(self.quota())

    # -------------------------------------------------------------------------------------------------------- proofs

    def _prove_sign_in(self) -> None:
        said = self.ldap(["ldapwhoami"], f"{LOGIN}@{self._domain}", self._initial, None)
        if "data 773" not in said:  # AD says this only after it found the password right
            raise SystemExit(f"{LOGIN} does not sign in: {said}")

    def _prove_mail(self) -> None:
        mail = self._lab.inventory.mail
        for address in self.addresses():
            token = secrets.token_hex(16)
            message = self._file("message", f"From: {mail.check_sender}\nTo: {address}\nX-Bench: {token}\n\ncheck\n")
            theirs.run(self.curl(mail.smtp.host, mail.smtp.port, mail.smtp.connect_to, *self.sending(address, message)))
            while not (found := re.search(r"SEARCH (\d+)", theirs.run(self.reading(token, "")[0]))):
                time.sleep(0.02)
            theirs.run(self.reading(token, found[1])[1])

    def _prove_mail_settings(self) -> None:
        said = theirs.run(self.mail_settings(OUTLOOK))
        if (
            said.count(str(self._lab.inventory.mail.clients and self._lab.inventory.mail.clients.incoming.server.host))
            < 2
        ):
            raise SystemExit(f"mail programs are not told their servers: {said[:500]}")

    def _prove_intranet(self) -> None:
        intranet = self._lab.inventory.intranet
        keytab = self._lab.secrets / "intranet.keytab"
        own = self._krb | {"KRB5CCNAME": f"FILE:{self._folder}/web"}
        theirs.run(["kinit", "-k", "-t", str(keytab), intranet.check.principal], env=own)
        for login, pages, wanted in ((LOGIN, ("sales", "travel"), "200 200 "), ("svc-check", ("sales",), "403 ")):
            theirs.run(self.stand_in(login, keytab), env=own)
            cache = {"KRB5CCNAME": f"FILE:{self._folder}/as-{login}"}
            if (said := theirs.run(self.pages(pages), env=self._krb | cache)) != wanted:
                raise SystemExit(f"the intranet answers {login} with {said!r}")

    def _prove_network(self) -> None:
        dhcp = self._lab.inventory.network.dhcp
        assert dhcp is not None  # noqa: S101  (the example site has it)
        mac = self._lab.inventory.workstations[PC].mac
        with sftp_to(dhcp.ssh.connect_to, dhcp.ssh.port, dhcp.credential.user, self._lab.secrets / "dhcp") as sftp:
            while True:
                with sftp.open(dhcp.leases) as file:
                    if re.search(rf"{mac} 10\.20\.20\.".encode(), file.read()):
                        break
                time.sleep(0.02)
        dotted = ".".join(re.findall("....", mac.replace(":", "")))
        while f" {dotted} " not in self._type([f"show mac address-table interface {PORT}"], rf"{SWITCH}#\s*$"):
            time.sleep(0.02)

    def _prove_pc(self) -> None:
        programs = self.on_pc(f"reg query {office.UNINSTALL} /s /reg:64")
        if programs.count("DisplayVersion") < len(self.packages()):
            raise SystemExit(f"the packages are not registered: {programs[-500:]}")
        if "HomepageLocation" not in self.on_pc(f"reg query {office.POLICIES} /s /reg:64"):
            raise SystemExit("the policies do not read back")

    def _prove_phone(self) -> None:
        for password, good in ((self._sip, True), ("another one", False)):
            said = theirs.run(self.registering(password), check=False)
            if ("completed successful" in said) != good:
                raise SystemExit(f"the exchange answers the {'right' if good else 'wrong'} password with {said[-500:]}")

    def _prove_folders(self) -> None:
        # The name in a credential cache is only a label, and no program changes it: so that is done by our function.
        from provisioning.connections.stand_in_tickets import relabelled  # noqa: PLC0415

        server = self._lab.inventory.directory.server
        keytab, account = self._lab.secrets / "files.keytab", f"{server.host.partition('.')[0].upper()}$"
        own = self._krb | {"KRB5CCNAME": f"FILE:{self._folder}/own"}
        theirs.run(["kinit", "-k", "-t", str(keytab), account], env=own)
        note = self._file("note", "a note")
        write = f'put "{note}" "{{0}}\\note"; get "{{0}}\\note" "{self._folder}/back"; del "{{0}}\\note"; ls "{{0}}\\*"'
        enter = f'ls "{{0}}\\*"; put "{note}" "{{0}}\\note"'
        for login, commands, good in ((LOGIN, write, True), ("svc-check", enter, False)):
            cache = self._folder / f"smb-{login}"
            words = ["kvno", "-k", str(keytab), "-U", login, "--out-cache", f"FILE:{cache}", account]
            theirs.run(words, env=own)
            cache.write_bytes(relabelled(cache.read_bytes(), self._domain.upper(), ("cifs", server.host)))
            for share, name in FOLDERS:
                words = ["smbclient", "-s", str(self._folder / "smb.conf"), "-N", "--use-kerberos=required"]
                words += [f"--use-krb5-ccache={cache}", "-I", server.connect_to, f"//{server.host}/{share}"]
                own_ticket = self._krb | {"KRB5CCNAME": f"FILE:{cache}"}
                said = theirs.run([*words, "-c", commands.format(name)], check=False, env=own_ticket)
                if ("NT_STATUS" in said) == good:
                    raise SystemExit(f"{login} in {share}/{name}: {said[-500:]}")

    # ------------------------------------------------------------------------------------------------ what is written

    def addresses(self) -> list[str]:
        """The mail addresses of the new colleague."""
        return re.findall(r"(?im)^proxyAddresses: smtp:(.*)$", self._pattern.ldif)

    def subscriber(self) -> str:
        """The statement that makes the subscriber."""
        domain = self._lab.inventory.phones.domain if self._lab.inventory.phones else ""
        plain = [f"{user}:{domain}:{self._sip}" for user in (EXTENSION, f"{EXTENSION}@{domain}")]
        ha1, ha1b = (hashlib.md5(text.encode()).hexdigest() for text in plain)  # noqa: S324  (RFC 2617)
        values = f"'{EXTENSION}', '{domain}', '', '{ha1}', '{ha1b}'"
        return f"INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ({values})"  # noqa: S608  (all of them ours)

    def packages(self) -> dict[Path, Mapping[str, str]]:
        """Installer → its properties."""
        site = self._lab.inventory
        newest = [
            site.software[name].versions[0] for name in site.profiles[site.people[office.PERSON].profile].software
        ]
        return {self._lab.site_folder / str(one.file): one.properties for one in newest}

    def quota(self) -> list[str]:
        """What sets the quota of the home folder."""
        limit = self._pattern.quota * 1024 * 1024
        return self.smb("smbcquotas", "quota$", "-S", f"UQLIM:{theirs.netbios(self._lab)}\\{LOGIN}:{limit}/{limit}")

    def reading(self, token: str, number: str) -> tuple[list[str], list[str]]:
        """What curl looks for the message with, and what it removes the one of that number with."""
        mail = self._lab.inventory.mail
        imap = f"imaps://{mail.imap.host}:{mail.imap.port}/INBOX"
        signed = [*self.curl(mail.imap.host, mail.imap.port, mail.imap.connect_to), "-K", str(self._reader())]
        store = ["-X", f"STORE {number} +FLAGS \\Deleted", imap]
        remove = [*signed, *store, "--next", *signed[1:], "-X", "EXPUNGE", imap]
        return [*signed, f"{imap}?HEADER%20X-Bench%20{token}"], remove

    def mail_settings(self, question: str) -> list[str]:
        """What curl asks for the mail settings with, as Thunderbird and Outlook do."""
        where, name, other = (str(self._lab.inventory.intranet.address), *self._mail_names())
        ask = f"https://{name}/mail/config-v1.1.xml?emailaddress=somebody@{self._domain}"
        words = [*self.curl(name, 443, where), ask, "--next", *self.curl(other, 443, where)[1:], "--data", question]
        return [*words, "-H", "Content-Type: text/xml", f"https://{other}/autodiscover/autodiscover.xml"]

    def _mail_names(self) -> tuple[str, str]:
        return f"autoconfig.{self._domain}", f"autodiscover.{self._domain}"

    def stand_in(self, login: str, keytab: Path) -> list[str]:
        """What gets a ticket for the intranet in somebody's name."""
        host, cache = self._lab.inventory.intranet.url.split("/")[2], f"FILE:{self._folder}/as-{login}"
        return ["kvno", "-k", str(keytab), "-U", login, "--out-cache", cache, f"HTTP/{host}"]

    def pages(self, names: tuple[str, ...]) -> list[str]:
        """What opens pages of the intranet with that ticket."""
        intranet = self._lab.inventory.intranet
        ask = self.curl(intranet.url.split("/")[2], 443, str(intranet.address), "--negotiate", "--user", ":")
        urls = [word for name in names for word in ("-o", "/dev/null", f"{intranet.url}{name}/")]
        return [*ask, "-w", "%{http_code} ", *urls]

    def registering(self, password: str) -> list[str]:
        """What asks the exchange for the bindings of the extension, which takes its password."""
        phones = self._lab.inventory.phones
        assert phones is not None  # noqa: S101  (the example site has it)
        there = f"sip:{EXTENSION}@{phones.registrar.connect_to}:{phones.registrar.port}"
        return ["sipsak", "-U", "-i", "-C", "empty", "-s", there, "-u", EXTENSION, "-a", password, "-vv"]
