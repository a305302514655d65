"""The lab's service desk: Request Tracker 5 with a queue and an account for the work log, behind TLS.

Its packages are large (0.4 GB) and no other part of the office needs it, so it is started on demand only; setting it up
takes some seconds.
Database, sessions, compiled pages and logs lie in one folder; a Request Tracker that the machine may have for itself is
not touched.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from provisioning.errors import LabError
from provisioning.lab.certificates import LabAuthority
from provisioning.lab.process import Daemon, listening, run, speaks_tls, wait_for
from provisioning.lab.templates import render

HTTPS_PORT = 443
_RT_PORT = 8080
_ACCOUNT = "www-data"
_PROGRAMS = Path("/usr/share/request-tracker5")
_MODULE_FOLDER = Path("/usr/lib/apache2/modules")
_MODULES = ("mpm_event", "authz_core", "headers", "proxy", "proxy_http", "socache_shmcb", "ssl")
_SETUP_SECONDS = 180.0
_START_SECONDS = 90.0


class RequestTracker:
    """One Request Tracker on `address`, port 443, for `host`.

    Its account `user` may create, comment on and resolve tickets of `queue` and nothing else; the token that it signs
    in with waits in `token_file` (mode 0600). `folder` is its own and is removed by :meth:`down`.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        authority: LabAuthority,
        *,
        token_file: Path,
        host: str = "rt.corp.example",
        queue: str = "Workplaces",
        user: str = "svc-provision",
    ) -> None:
        self.folder = folder
        self.address = address
        self.authority = authority
        self.token_file = token_file
        self.host = host
        self.queue = queue
        self.user = user
        self._rt = Daemon(folder, "request-tracker")
        self._front = Daemon(folder, "front")
        # Without a configuration folder of its own, the package's settings would win.
        self._environment = {
            "RT_SITE_CONFIG": str(folder / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(folder / "etc"),
        }

    def up(self) -> None:
        """Set it up unless that was done, start it, and wait until it answers."""
        if self.running():
            return
        self._front.stop()
        self._rt.stop()
        self._write_settings()
        if not (self.folder / "ready").exists():
            self._set_up()
        self._rt.start(
            [*_as_account(), str(_PROGRAMS / "libexec/rt-server"), "--server", "Starlet", "--max-workers", "2",
             "--host", self.address, "--port", str(_RT_PORT)],
            env=self._environment,
        )  # fmt: skip
        self._front.start(["apache2", "-f", str(self.folder / "front.conf"), "-D", "FOREGROUND"])
        wait_for(f"the service desk on {self.address}", self._started, seconds=_START_SECONDS)

    def down(self) -> None:
        """Stop it and remove its folder with all tickets."""
        self._front.stop()
        self._rt.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.token_file.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop it and keep its tickets; :meth:`up` starts it again."""
        self._front.stop()
        self._rt.stop()

    def running(self) -> bool:
        """Whether our server runs and answers with its certificate."""
        if self._rt.pid is None or self._front.pid is None or not listening(self.address, _RT_PORT):
            return False
        return speaks_tls(self.address, HTTPS_PORT, self.authority.certificate, self.host)

    def _started(self) -> bool:
        for daemon in (self._rt, self._front):
            if daemon.pid is None:
                raise LabError(f"{daemon.name} stopped right after its start; see {daemon.log} and {self.folder}/front")
        return self.running()

    def _write_settings(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # www-data passes through here
        for name in ("etc", "front"):
            (self.folder / name).mkdir(exist_ok=True)
        for name in ("rt", "rt/mason", "rt/sessions"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
            shutil.chown(self.folder / name, _ACCOUNT, _ACCOUNT)
        files = self.authority.issue([self.host], [self.address], self.folder / "tls", "rt")
        (self.folder / "RT_SiteConfig.pm").write_text(
            render("request-tracker.pm.j2", folder=self.folder, host=self.host), encoding="utf-8"
        )
        front = render(
            "request-tracker-front.conf.j2", folder=self.folder, host=self.host, address=self.address, port=_RT_PORT,
            modules=_MODULES, module_folder=_MODULE_FOLDER, certificate=files.certificate, key=files.key,
        )  # fmt: skip
        (self.folder / "front.conf").write_text(front, encoding="utf-8")

    def _set_up(self) -> None:
        if not (_PROGRAMS / "libexec/rt-server").exists():
            raise LabError("Request Tracker is not installed; `make lab-packages` installs what the lab needs")
        (self.folder / "rt" / "rt.sqlite").unlink(missing_ok=True)
        words = ["rt-setup-database-5", "--action", "init", "--skip-create"]
        run([*_as_account(), *words], env=self._environment, timeout=_SETUP_SECONDS)
        seed = render("request-tracker-seed.pl.j2", queue=self.queue, user=self.user)
        done = run([*_as_account(), "perl", "-"], stdin=seed, env=self._environment, timeout=_SETUP_SECONDS)
        _write_private(self.token_file, done.stdout.strip())
        (self.folder / "ready").touch()


def _as_account() -> list[str]:
    return ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups", "--no-new-privs"]


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
