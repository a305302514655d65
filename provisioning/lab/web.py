"""The lab's intranet: an Apache of its own that signs people in by Kerberos and asks the directory who is let
in. Mail settings for clients lie open on it, under the names that mail programs ask for.

Configuration, pages, sockets and logs lie in one folder; the machine's own Apache (if any) is not touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioning.lab.certificates import LabAuthority
from provisioning.lab.lookup import DirectoryLookup
from provisioning.lab.process import Daemon, run, speaks_tls, wait_for
from provisioning.lab.templates import render

HTTPS_PORT = 443
PAGES: Mapping[str, str] = {
    "/": "Start page",
    "/hr/": "People",
    "/sales/": "Sales desk",
    "/accounting/": "Accounting",
    "/engineering/": "Engineering",
    "/it/": "IT support",
    "/travel/": "Travel expenses",
}
"""Path → title of the pages that the lab's intranet has."""

_MODULE_FOLDER = Path("/usr/lib/apache2/modules")
_MODULES = (
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "dir",
    "mime",
    "socache_shmcb",
    "ssl",
    "ldap",
    "authnz_ldap",
    "auth_gssapi",
)


class IntranetServer:
    """One web server on `address`, port 443, for `host`.

    `group` is the DN of the directory group that is let in, `keytab` holds the key of ``HTTP/<host>``,
    `krb5_conf` names the realm's KDC; `other_names` are served as well, `documents` (path → text) lie there from the
    beginning. `folder` is its own and is removed by :meth:`down`.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        authority: LabAuthority,
        lookup: DirectoryLookup,
        *,
        group: str,
        keytab: Path,
        krb5_conf: Path,
        host: str = "intranet.corp.example",
        title: str = "Intranet",
        pages: Mapping[str, str] = PAGES,
        other_names: Sequence[str] = (),
        documents: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.address = address
        self.authority = authority
        self.lookup = lookup
        self.group = group
        self.keytab = keytab
        self.krb5_conf = krb5_conf
        self.host = host
        self.title = title
        self.pages = pages
        self.other_names = other_names
        self.documents = documents or {}
        self._daemon = Daemon(folder, "apache-master")

    @property
    def root(self) -> Path:
        """The folder that the address ``/`` shows."""
        return self.folder / "pages"

    def up(self) -> None:
        """Start the server and wait until it answers (under a second)."""
        if self.running():
            return
        self._daemon.stop()
        self._write_pages()
        settings = self._write_settings()
        replay_cache = f"file2:{self.folder}/run/replay"
        environment = {"KRB5_CONFIG": str(self.krb5_conf), "KRB5RCACHENAME": replay_cache}
        self._daemon.start(["apache2", "-f", str(settings), "-D", "FOREGROUND"], env=environment)
        wait_for(f"the intranet on {self.address}", self.running, daemons=[self._daemon])

    def down(self) -> None:
        """Stop the server and remove its folder."""
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self) -> bool:
        """Whether our server runs and answers with its certificate."""
        if self._daemon.pid is None:
            return False
        return speaks_tls(self.address, HTTPS_PORT, self.authority.certificate, self.host)

    def _write_settings(self) -> Path:
        run_folder = self.folder / "run"
        run_folder.mkdir(exist_ok=True)
        shutil.chown(run_folder, "www-data")
        files = self.authority.issue([self.host, *self.other_names], [self.address], self.folder / "tls", "intranet")
        keytab = self.folder / "http.keytab"
        _write_private(keytab, self.keytab.read_bytes())
        shutil.chown(keytab, "www-data")  # the worker processes, which accept the tickets, are not root
        settings = self.folder / "apache.conf"
        text = render(
            "apache.conf.j2",
            folder=self.folder,
            address=self.address,
            host=self.host,
            title=self.title,
            modules=_MODULES,
            module_folder=_MODULE_FOLDER,
            certificate=files.certificate,
            key=files.key,
            keytab=keytab,
            group=self.group,
            url=self.lookup.url,
            base_dn=self.lookup.base_dn,
            user=self.lookup.user,
            password=self.lookup.read_password(),
            trust=self.lookup.trust,
        )
        _write_private(settings, text.encode())
        return settings

    def _write_pages(self) -> None:
        root = self.folder / "pages"
        for path, title in self.pages.items():
            page = root / path.strip("/") / "index.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            text = f"{self.title}: {title}."
            page.write_text(render("pages/page.html.j2", title=title, text=text, pages=self.pages), encoding="utf-8")
        (root / "proxy.pac").write_text(render("pages/proxy.pac.j2"), encoding="utf-8")
        for path, text in self.documents.items():
            document = root / path.strip("/")
            document.parent.mkdir(parents=True, exist_ok=True)
            document.write_text(text, encoding="utf-8")
        # The workers read the pages whatever the umask of who started the lab.
        run(["chmod", "-R", "a+rX", str(root)])
        self.folder.chmod(0o755)


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
