"""Open vSwitch in a network namespace: its database, its forwarding process, its bridges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provisioning.lab.namespaces import add_namespace, namespaces
from provisioning.lab.process import Daemon, run, wait_for

_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_LEFT = ("*.sock", "*.ctl", "*.mgmt", "*.snoop", "conf.db", ".conf.db.~lock~")


class Forwarding:
    """One Open vSwitch in the network namespace `namespace`, kept in `folder`."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self.folder = folder
        self.namespace = namespace
        self.database_socket = folder / "db.sock"
        self.control_socket = folder / "vswitchd.ctl"
        self._database = Daemon(folder, "ovsdb-server")
        self._process = Daemon(folder, "ovs-vswitchd")

    def up(self) -> None:
        """Start it with an empty database. Raises :class:`LabError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        add_namespace(self.namespace)
        database = self.folder / "conf.db"
        env = {"OVS_RUNDIR": str(self.folder), "OVS_LOGDIR": str(self.folder), "OVS_DBDIR": str(self.folder)}
        inside, quiet = ["ip", "netns", "exec", self.namespace], ["-vconsole:warn", "-vsyslog:off"]
        run(["ovsdb-tool", "create", str(database), _SCHEMA])
        remote, control = f"--remote=punix:{self.database_socket}", f"--unixctl={self.folder}/ovsdb.ctl"
        self._database.start([*inside, "ovsdb-server", str(database), remote, control, *quiet], env=env)
        wait_for("ovsdb-server", self.database_socket.exists)
        self.vsctl(["--no-wait", "init"])
        socket, control = f"unix:{self.database_socket}", f"--unixctl={self.control_socket}"
        self._process.start([*inside, "ovs-vswitchd", socket, control, *quiet], env=env)
        wait_for("ovs-vswitchd", self.control_socket.exists)

    def down(self) -> None:
        """Stop it and forget its database; its namespace is deleted with the devices in it."""
        self._process.stop()
        self._database.stop()
        if self.namespace in namespaces():
            run(["ip", "netns", "delete", self.namespace], check=False)
        for pattern in _LEFT:
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

    def running(self) -> bool:
        """Whether both processes run and the namespace is there."""
        return bool(self._database.pid and self._process.pid) and self.namespace in namespaces()

    def vsctl(self, words: Sequence[str]) -> None:
        """Run ovs-vsctl on this database."""
        run(["ovs-vsctl", "--timeout=20", f"--db=unix:{self.database_socket}", *words])

    def links(self, lines: Sequence[str]) -> None:
        """Carry out ``ip`` lines in the namespace."""
        run(["ip", "-n", self.namespace, "-batch", "-"], stdin="\n".join(lines))


def bridge_words(name: str) -> list[str]:
    """ovs-vsctl words that make a bridge in user space: the kernel has no module for it."""
    return ["--", "add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"]
