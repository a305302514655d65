"""The lab's switches as a service: written settings, one process, trusted host keys."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from provisioning.lab.network import Network
from provisioning.lab.process import Daemon, listening, wait_for
from provisioning.lab.ssh_service import ensure_host_key, ensure_password, known_hosts_line
from provisioning.lab.switch.device import Settings


@dataclass(frozen=True)
class SwitchHost:
    """How one switch is reached: its name in the site, the host name that its key proves, where it listens,
    its ports. Unless it is `privileged`, its user starts in user mode and needs ``enable`` (same password). One of the
    dialect ``ovs`` is an Open vSwitch host and takes its own tools' commands.
    """

    name: str
    host: str
    address: str
    ports: tuple[str, ...]
    uplinks: tuple[str, ...] = ()
    port: int = 22
    privileged: bool = True
    dialect: Literal["ios", "ovs"] = "ios"


class Switches:
    """The command lines of the switches whose data planes are the bridges of `network`, kept in `folder`.

    `vlans` are configured from the start (number → name). `user` signs in with the password in
    `password_file`, which is generated if it is not there. :attr:`known_hosts` is for the site.
    """

    def __init__(
        self,
        folder: Path,
        hosts: Sequence[SwitchHost],
        network: Network,
        vlans: Mapping[int, str],
        *,
        user: str,
        password_file: Path,
    ) -> None:
        self.folder = folder
        self.known_hosts = folder / "known_hosts"
        self._hosts = hosts
        self._network = network
        self._vlans = vlans
        self._user = user
        self._password_file = password_file
        self._daemon = Daemon(folder, "switches")

    def faults_file(self, switch: str) -> Path:
        """Where tests switch misbehaviour on (:func:`provisioning.lab.switch.faults.misbehaving`)."""
        return self.folder / switch / "faults.json"

    def up(self) -> None:
        """Start the switches; the network must be up. Raises :class:`LabError`."""
        if self.running():
            return
        self._daemon.stop()
        ensure_password(self._password_file)
        files, trusted = [], ""
        for host in self._hosts:
            place = self.folder / host.name
            place.mkdir(parents=True, exist_ok=True)
            (place / "faults.json").unlink(missing_ok=True)
            trusted += known_hosts_line(host.host, host.port, ensure_host_key(place / "host_key"))
            files.append(place / "settings.json")
            files[-1].write_text(json.dumps(asdict(self._settings(host, place)), indent=1))
        self.known_hosts.write_text(trusted)
        self._daemon.start([sys.executable, "-m", "provisioning.lab.switch", *map(str, files)])
        for host in self._hosts:
            wait_for(f"switch {host.name} on {host.address}", partial(listening, host.address, host.port))

    def _settings(self, host: SwitchHost, place: Path) -> Settings:
        forwarding = self._network.forwarding(host.name)
        return Settings(
            name=host.name,
            hostname=host.name,
            address=host.address,
            port=host.port,
            user=self._user,
            password_file=str(self._password_file),
            folder=str(place),
            ports=self._network.devices(host.name),
            uplinks=host.uplinks,
            vlans={str(number): name for number, name in self._vlans.items()},
            namespace=forwarding.namespace,
            database=str(forwarding.database_socket),
            control=str(forwarding.control_socket),
            bridge=self._network.bridge(host.name),
            privileged=host.privileged,
            dialect=host.dialect,
            management=self._network.management(host.name),
        )

    def down(self, *, keep_startup: bool = False) -> None:
        """Stop the switches. Their startup configurations go too, unless `keep_startup`: the next lab starts
        from the factory state."""
        self._daemon.stop()
        for host in self._hosts:
            (self.folder / host.name / "faults.json").unlink(missing_ok=True)
            if not keep_startup:
                (self.folder / host.name / "startup-config").unlink(missing_ok=True)
                shutil.rmtree(self.folder / host.name / "flash", ignore_errors=True)

    def running(self) -> bool:
        """Whether the process runs and every switch accepts connections."""
        return self._daemon.pid is not None and all(listening(host.address, host.port) for host in self._hosts)
