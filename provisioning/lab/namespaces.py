"""Network namespaces, and the one setting of a veth that has no iproute2 command."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from array import array
from pathlib import Path

from provisioning.lab.process import run

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
