"""The devices at the lab's desks, as the network sees them.

A PC that gets carrier asks for a DHCP lease; a PC whose cable or port went down and came back asks again;
a PC whose VLAN changes under a link that stays up notices nothing and keeps its old lease. All of that is
what Windows does, and why a switch port must be bounced when its VLAN changes. Some say by LLDP who they are, and some
stand behind a telephone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from provisioning.lab.desks import Place, read_desks
from provisioning.lab.links import heard, watch_links
from provisioning.lab.namespaces import inside
from provisioning.lab.phone import frames

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h; lldpd leaves its second process to whom it may concern
_ETHERTYPE_EXPERIMENT = b"\x88\xb5"  # IEEE 802 local experimental
_LLDP_FOLDER = Path("/run/provisioning-lab")  # lldpd's own user must get there, and may not enter the lab's folder
# Seconds: between looks at the file, between frames, after a lease was not got, between words of a telephone.
_POLL, _CHATTER, _RETRY, _PHONE = 0.1, 5.0, 3.0, 1.0

_APPLY_LEASE = """#!/bin/sh
case "$1" in
deconfig) ip address flush dev "$interface" ;;
bound|renew) ip address flush dev "$interface"
  ip address add "$ip/$mask" dev "$interface"
  [ -z "$router" ] || ip route replace default via "${router%% *}" ;;
esac
"""
_LLDP = """configure lldp tx-interval 1
configure lldp tx-hold 4
configure lldp portidsubtype macaddress
configure system hostname {name}
configure system description "Windows 11 Enterprise"
"""


class Desk:
    """One PC: where it is, and what it is doing about its lease."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        self._folder = folder
        self._up = False
        self._due = False
        self._client: subprocess.Popen[bytes] | None = None
        self._speaker: subprocess.Popen[bytes] | None = None
        self._retry_at = self._chatter_at = self._phone_at = 0.0
        self._wire: socket.socket | None = None

    def link(self, *, up: bool) -> None:
        """The link at the switch's end is up or down now."""
        self._due = self._due or (up and not self._up)
        self._up = up

    def look(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if not self._up:
            return
        if self._due:
            self._due = False
            self._ask()
            self._speak()
        elif self._client is not None and self._client.poll() not in {None, 0}:
            self._client, self._retry_at = None, now + _RETRY
        elif self._client is None and self._retry_at and now > self._retry_at:
            self._ask()
        if now > self._chatter_at:
            self._chatter_at = now + _CHATTER
            self._send([b"\xff" * 6 + self._mac + _ETHERTYPE_EXPERIMENT + b"\0" * 46])
        if self.place.phone is not None and now > self._phone_at:
            self._phone_at = now + _PHONE
            self._send(frames(self.place.phone))

    @property
    def _mac(self) -> bytes:
        return bytes.fromhex(self.place.mac.replace(":", ""))

    def _ask(self) -> None:
        self._end_client()
        self._chatter_at = 0.0
        words = ["busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "4", "-T", "1"]
        self._client = self._start([*words, "-s", str(self._folder / "apply-lease")])

    def _speak(self) -> None:
        if not self.place.lldp or (self._speaker is not None and self._speaker.poll() is None):
            return
        _LLDP_FOLDER.mkdir(mode=0o755, exist_ok=True)
        stem = str(_LLDP_FOLDER / self.place.namespace)
        Path(f"{stem}.conf").write_text(_LLDP.format(name=self.place.name))
        Path(f"{stem}.sock").unlink(missing_ok=True)
        words = ["lldpd", "-d", "-M", "1", "-I", "eth0"]
        words += ["-p", f"{stem}.pid", "-u", f"{stem}.sock", "-O", f"{stem}.conf"]
        self._speaker = self._start(words)

    def _start(self, words: list[str]) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        inside_words = ["ip", "netns", "exec", self.place.namespace, *words]
        return subprocess.Popen(inside_words, stdin=quiet, stdout=quiet, stderr=quiet)

    def _end_client(self) -> None:
        if self._client is not None and self._client.poll() is None:
            self._client.kill()
            self._client.wait()
        self._client, self._retry_at = None, 0.0

    def stop(self) -> None:
        """End what runs for this PC."""
        self._end_client()
        if self._speaker is not None and self._speaker.poll() is None:
            self._speaker.terminate()
            self._speaker.wait()
        for path in _LLDP_FOLDER.glob(f"{self.place.namespace}.*"):
            path.unlink(missing_ok=True)
        if self._wire is not None:
            self._wire.close()

    def _send(self, said: list[bytes]) -> None:
        try:
            if self._wire is None:
                self._wire = _wire(self.place.namespace)
            for frame in said:
                self._wire.send(frame)
        except OSError:  # the PC is being unplugged
            self._wire = None


def _wire(namespace: str) -> socket.socket:
    """A raw socket on eth0 of another namespace."""
    with inside(namespace):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.bind(("eth0", 0))
    return wire


class Desks:
    """All desks of the file `path`, which is read again whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self._desks: dict[Place, Desk] = {}
        self._watches: dict[str, socket.socket] = {}
        self._up: dict[tuple[str, str], bool] = {}

    def turn(self) -> None:
        """Hear of the links, for a moment, and let every desk do what is due."""
        if (changed := os.stat(self._path).st_mtime_ns) != self._seen:
            self._seen = changed
            self._read()
        select.select(list(self._watches.values()), [], [], _POLL)
        for home, wire in self._watches.items():
            for device, up in heard(wire):
                self._up[home, device] = up
                for desk in self._desks.values():
                    if (desk.place.home, desk.place.port) == (home, device):
                        desk.link(up=up)
        for desk in self._desks.values():
            desk.look()

    def _read(self) -> None:
        wanted = read_desks(self._path)
        for gone in self._desks.keys() - set(wanted):
            self._desks.pop(gone).stop()
        for place in wanted:
            if place.home not in self._watches:
                self._watches[place.home] = watch_links(place.home)
            if place not in self._desks:
                self._desks[place] = Desk(place, self._path.parent)
                self._desks[place].link(up=self._up.get((place.home, place.port), False))

    def stop(self) -> None:
        """End everything."""
        for desk in self._desks.values():
            desk.stop()
        with contextlib.suppress(ChildProcessError):  # raised when none is left
            for _ in range(20):
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.02)


def main(path: Path) -> None:
    """Be the devices at the desks in the JSON file `path` until TERM."""
    script = path.with_name("apply-lease")
    script.write_text(_APPLY_LEASE)
    script.chmod(0o755)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    desks = Desks(path)
    try:
        while True:
            desks.turn()
    finally:
        desks.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
