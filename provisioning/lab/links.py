"""Links that come up and go down in a network namespace, as the kernel tells it (rtnetlink(7))."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from provisioning.lab.namespaces import inside

_RTMGRP_LINK, _RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 1, 16, 17, 18  # linux/rtnetlink.h
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300  # linux/netlink.h
_IFLA_IFNAME = 3  # linux/if_link.h
_IFF_LOWER_UP = 0x10000  # linux/if.h


def watch_links(namespace: str) -> socket.socket:
    """A socket that tells of every link of the namespace now, and of every change from now on."""
    with inside(namespace):
        wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        wire.bind((0, _RTMGRP_LINK))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    wire.setblocking(False)
    body = struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, 0, 0, 0)  # struct ifinfomsg
    wire.send(struct.pack("=IHHII", 16 + len(body), _RTM_GETLINK, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body)
    return wire


def heard(wire: socket.socket) -> Iterator[tuple[str, bool]]:
    """(device, whether its link is up) for everything that the socket has told since."""
    while True:
        try:
            message = wire.recv(1 << 17)
        except OSError:  # nothing more, or more than the buffer held; what comes next is still heard
            return
        yield from link_changes(message)


def link_changes(message: bytes) -> Iterator[tuple[str, bool]]:
    """The link changes in one rtnetlink datagram."""
    while len(message) >= 16:
        length, kind = struct.unpack_from("=IH", message)
        if length < 16:
            return
        if kind in {_RTM_NEWLINK, _RTM_DELLINK} and length >= 32:
            (flags,) = struct.unpack_from("=I", message, 24)
            name = _name(message[32:length])
            if name is not None:
                yield name, kind == _RTM_NEWLINK and bool(flags & _IFF_LOWER_UP)
        message = message[(length + 3) & ~3 :]


def _name(attributes: bytes) -> str | None:
    while len(attributes) >= 4:
        size, kind = struct.unpack_from("=HH", attributes)
        if kind == _IFLA_IFNAME:
            return attributes[4:size].rstrip(b"\0").decode("ascii", "replace")
        if size < 4:
            return None
        attributes = attributes[(size + 3) & ~3 :]
    return None
