"""Network namespaces, and the one setting of a veth that has no iproute2 command."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.lab.process import run

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x00000017  # linux/sockios.h, linux/ethtool.h


def namespaces() -> list[str]:
    """Names of all network namespaces of this machine, sorted."""
    folder = Path("/run/netns")
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def add_namespace(name: str) -> None:
    """Make a network namespace whose loopback is up."""
    run(["ip", "netns", "add", name])
    run(["ip", "-n", name, "link", "set", "lo", "up"])


def disable_checksum_offload(device: str) -> None:
    """Make the kernel fill in checksums before a frame leaves `device` (as ``ethtool -K DEVICE tx off``).

    veth otherwise leaves them to hardware that is not there, and every DHCP offer that crosses userspace is
    dropped.
    """
    setting = array("I", [_ETHTOOL_STXCSUM, 0])  # struct ethtool_value
    request = struct.pack("16sP16x", os.fsencode(device), setting.buffer_info()[0])  # struct ifreq
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCETHTOOL, request)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread is in another network namespace; sockets that it opens there stay there when it has gone home."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{name}", "rb") as there:
        if libc.setns(there.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {name}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), _CLONE_NEWNET)
