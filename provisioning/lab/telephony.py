"""The lab's SIP exchange: a Kamailio of its own that lets subscribers of its database register and call each other.

Configuration, database, certificate and logs lie in one folder; the machine's own Kamailio (if any) is not touched.
"""

from __future__ import annotations

import base64
import shutil
import socket
import sqlite3
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.process import Daemon, run, wait_for
from provisioning.lab.ssh_service import ensure_password
from provisioning.lab.templates import render

PORT, TLS_PORT = 5060, 5061
CONTROL_USER = "svc-exchange"
_SCRIPTS = Path("/usr/share/kamailio/db_sqlite")
_TABLES = ("standard", "auth_db")


class Telephony:
    """One exchange for the SIP domain `domain`, on `address`: port 5060 (UDP, TCP) and 5061 (TLS, for `host`; also
    JSON-RPC by HTTPS, path ``/RPC``, user :data:`CONTROL_USER` with the password in the file `control`).

    `database` is the SQLite file with its subscribers, made with the package's own scripts; `folder` is its own and is
    removed by :meth:`down`.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        authority: LabAuthority,
        database: Path,
        *,
        host: str = "sip.corp.example",
        domain: str = "corp.example",
        control: Path | None = None,
    ) -> None:
        self.folder = folder
        self.address = address
        self.database = database
        self._authority = authority
        self._host = host
        self._domain = domain
        self._control = control or folder / "control"
        self._daemon = Daemon(folder, "kamailio")

    def up(self) -> None:
        """Start the exchange and wait until it answers SIP. Raises :class:`LabError`."""
        if self.running():
            return
        self._daemon.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.database.exists():
            self._make_database()
        settings = self._settings()
        run(["kamailio", "-c", "-f", str(settings), "-Y", str(self.folder)])
        # -DD: in the foreground, with its children (-D leaves TCP out).
        self._daemon.start(
            ["kamailio", "-DD", "-E", "-f", str(settings), "-Y", str(self.folder), "-m", "32", "-M", "4"],
            cwd=self.folder,
        )
        wait_for(f"the exchange on {self.address}", self._answers, daemons=[self._daemon], seconds=10)

    def down(self) -> None:
        """Stop it and remove its folder."""
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        """Whether the process runs and answers SIP."""
        return self._daemon.pid is not None and self._answers()

    def _settings(self) -> Path:
        certificate = self._authority.issue([self._host], [self.address], self.folder, "sip")
        tls = self.folder / "tls.cfg"
        tls.write_text(
            f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
            f"certificate = {certificate.certificate}\nprivate_key = {certificate.key}\n"
        )
        ensure_password(self._control)
        password = self._control.read_text(encoding="utf-8").strip()
        settings = self.folder / "kamailio.cfg"
        settings.touch(mode=0o600)
        settings.write_text(
            render(
                "kamailio.cfg.j2",
                address=self.address,
                port=PORT,
                tls_port=TLS_PORT,
                domain=self._domain,
                database=self.database,
                tls_settings=tls,
                control=base64.b64encode(f"{CONTROL_USER}:{password}".encode()).decode("ascii"),
            )
        )
        return settings

    def _make_database(self) -> None:
        if not _SCRIPTS.is_dir():
            raise LabError("kamailio is not installed; `make lab-packages` installs what the lab needs")
        partial = self.database.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        connection = sqlite3.connect(partial)
        try:
            for name in _TABLES:
                connection.executescript((_SCRIPTS / f"{name}-create.sql").read_text(encoding="utf-8"))
        finally:
            connection.close()
        partial.rename(self.database)

    def _answers(self) -> bool:
        request = (
            f"OPTIONS sip:{self._domain} SIP/2.0\r\nVia: SIP/2.0/UDP {{here}};branch=z9hG4bKlab;rport\r\n"
            f"Max-Forwards: 5\r\nFrom: <sip:lab@{self._domain}>;tag=lab\r\nTo: <sip:{self._domain}>\r\n"
            "Call-ID: lab\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.5)
            try:
                probe.connect((self.address, PORT))
                host, port = probe.getsockname()[:2]
                probe.send(request.replace("{here}", f"{host}:{port}").encode())
                return probe.recv(65_535).startswith(b"SIP/2.0 200")
            except OSError:
                return False
