"""The PCs of the lab's desks, as the network sees them (run inside the switches' namespace).

A PC that gets carrier asks for a DHCP lease; a PC whose cable or port went down and came back asks again;
a PC whose VLAN changes under a link that stays up notices nothing and keeps its old lease. All of that is
what Windows does, and why a switch port must be bounced when its VLAN changes.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_ETHERTYPE_EXPERIMENT = b"\x88\xb5"  # IEEE 802 local experimental
# Seconds: between looks at the carrier, between frames, after a lease was not got.
_POLL, _CHATTER, _RETRY = 0.1, 5.0, 3.0

_APPLY_LEASE = """#!/bin/sh
case "$1" in
deconfig) ip address flush dev "$interface" ;;
bound|renew) ip address flush dev "$interface"
  ip address add "$ip/$mask" dev "$interface"
  [ -z "$router" ] || ip route replace default via "${router%% *}" ;;
esac
"""


@dataclass
class Desk:
    """One PC: its namespace, the switch's end of its cable, and what it is doing about its lease."""

    namespace: str
    port: str
    losses: int = -1
    client: subprocess.Popen[bytes] | None = None
    retry_at: float = 0.0
    chatter_at: float = 0.0
    wire: socket.socket | None = field(default=None, repr=False)

    def look(self, script: Path) -> None:
        """See what the link does, and act on it."""
        now = time.monotonic()
        state = Path("/sys/class/net", self.port)
        try:
            carrier = (state / "carrier").read_text().strip() == "1"
            losses = int((state / "carrier_down_count").read_text())
        except OSError:  # the device is down (EINVAL) or gone
            carrier, losses = False, -1
        if not carrier:
            self.losses = -1
            return
        if losses != self.losses:
            self.losses = losses
            self._ask(script)
        elif self.client is not None and self.client.poll() not in {None, 0}:
            self.client, self.retry_at = None, now + _RETRY
        elif self.client is None and self.retry_at and now > self.retry_at:
            self._ask(script)
        if now > self.chatter_at:
            self.chatter_at = now + _CHATTER
            self._chatter()

    def _ask(self, script: Path) -> None:
        self.stop()
        self.chatter_at = 0.0
        self.client = subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                self.namespace,
                "busybox",
                "udhcpc",
                "-i",
                "eth0",
                "-f",
                "-q",
                "-n",
                "-t",
                "4",
                "-T",
                "1",
                "-s",
                str(script),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End the DHCP client, if one runs."""
        if self.client is not None and self.client.poll() is None:
            self.client.kill()
            self.client.wait()
        self.client, self.retry_at = None, 0.0

    def _chatter(self) -> None:
        try:
            if self.wire is None:
                self.wire = _wire(self.namespace)
            mac = self.wire.getsockname()[4]
            self.wire.send(b"\xff" * 6 + mac + _ETHERTYPE_EXPERIMENT + b"\0" * 46)
        except OSError:  # the PC is being unplugged
            self.wire = None


def _wire(namespace: str) -> socket.socket:
    """A raw socket on eth0 of another namespace; it stays there when this thread has gone home."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            wire.bind(("eth0", 0))
        finally:
            libc.setns(home.fileno(), _CLONE_NEWNET)
    return wire


def main(path: Path) -> None:
    """Be the PCs of the desks in the JSON file `path` until TERM; the file is read again whenever it
    changes."""
    script = path.with_name("apply-lease")
    script.write_text(_APPLY_LEASE)
    script.chmod(0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    desks: dict[tuple[str, str], Desk] = {}
    seen = 0
    while True:
        if (changed := os.stat(path).st_mtime_ns) != seen:
            seen = changed
            wanted = [(entry["namespace"], entry["port"]) for entry in json.loads(path.read_text())]
            for gone in desks.keys() - set(wanted):
                desks.pop(gone).stop()
            desks |= {key: Desk(*key) for key in wanted if key not in desks}
        for desk in desks.values():
            desk.look(script)
        time.sleep(_POLL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
