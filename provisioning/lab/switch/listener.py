"""What reaches a lab switch itself: link changes, LLDP and CDP frames, and ARP for its own address.

Three sockets that were opened inside the network namespace of the bridges and are read outside of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface

from provisioning.lab.links import heard, watch_links
from provisioning.lab.namespaces import inside
from provisioning.lab.switch.device import Device
from provisioning.lab.switch.neighbours import dotted, read_cdp, read_lldp

_ETH_P_ARP, _ETH_P_802_2, _ETH_P_LLDP = 0x0806, 0x0004, 0x88CC  # linux/if_ether.h
_ASK_AGAIN, _UNANSWERED = 30.0, 1.0  # seconds between ARP requests for the gateway
_NOBODY = b"\0" * 6


class Listener:
    """The senses of one switch."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._ports = {end: port for port, end in device.settings.ports.items()}
        self._own = device.settings.management.get("device")
        self._sockets: list[socket.socket] = []
        self._arp: socket.socket | None = None
        self._ask_at = 0.0

    def open(self) -> None:
        """Begin to listen, in the running event loop."""
        loop = asyncio.get_running_loop()
        links = watch_links(self._device.settings.namespace)
        with inside(self._device.settings.namespace):
            wires = []
            for kind in (_ETH_P_LLDP, _ETH_P_802_2):
                wires.append((socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind)), self._frames))
            if self._own:
                self._arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP))
                self._arp.bind((self._own, _ETH_P_ARP))
                wires.append((self._arp, self._answers))
        for wire, reader in [(links, self._links), *wires]:
            wire.setblocking(False)
            self._sockets.append(wire)
            loop.add_reader(wire, reader, wire)
        for port, up in self._device.plane.carriers().items():
            self._device.link_seen(port, up=up)

    def close(self) -> None:
        """Listen no more."""
        loop = asyncio.get_running_loop()
        for wire in self._sockets:
            loop.remove_reader(wire)
            wire.close()
        self._sockets.clear()
        self._arp = None

    # -- links

    def _links(self, wire: socket.socket) -> None:
        for name, up in heard(wire):
            if name in self._ports:
                self._device.link_seen(self._ports[name], up=up)

    # -- neighbours

    def _frames(self, wire: socket.socket) -> None:
        for frame, (name, _, kind, *_) in _received(wire):
            port = self._ports.get(name)
            if port is None or kind == socket.PACKET_OUTGOING:
                continue
            neighbour = read_lldp(port, frame) or read_cdp(port, frame)
            if neighbour is not None:
                self._device.neighbours.heard(neighbour)

    # -- the switch's own address

    def tick(self) -> None:
        """Ask for the gateway when it is time: so its MAC address stays known, and where it is learned."""
        if self._arp is None or time.monotonic() < self._ask_at:
            return
        vlan = int(self._device.settings.management["vlan"])
        svi = self._device.config.svis.get(vlan)
        gateway = default_gateway(self._device.config.settings)
        self._ask_at = time.monotonic() + _UNANSWERED
        if svi is None or svi.address is None or svi.shutdown or gateway is None:
            return
        if gateway in self._device.arp.entries:
            self._ask_at = time.monotonic() + _ASK_AGAIN
        request = _arp(1, self._mac, svi.address.ip, _NOBODY, gateway)
        with contextlib.suppress(OSError):
            self._arp.send(b"\xff" * 6 + self._mac + struct.pack("!H", _ETH_P_ARP) + request)

    @property
    def _mac(self) -> bytes:
        return bytes.fromhex(self._device.mac(64).replace(".", ""))

    def _answers(self, wire: socket.socket) -> None:
        for frame, (_, _, kind, *_) in _received(wire):
            if kind == socket.PACKET_OUTGOING or len(frame) < 42:
                continue
            what, sender, source, _, target = struct.unpack("!H6s4s6s4s", frame[20:42])
            svi = self._device.config.svis.get(int(self._device.settings.management["vlan"]))
            mine: IPv4Interface | None = svi.address if svi else None
            address = IPv4Address(source)
            if mine is None or address not in mine.network or IPv4Address(target) != mine.ip:
                continue
            self._device.arp.entries[address] = (dotted(sender), time.monotonic())
            if what == 1:
                answer = _arp(2, self._mac, mine.ip, sender, address)
                with contextlib.suppress(OSError):
                    wire.send(sender + self._mac + struct.pack("!H", _ETH_P_ARP) + answer)


def default_gateway(settings: Mapping[str, tuple[str, ...]]) -> IPv4Address | None:
    """``ip default-gateway``."""
    for line in settings:
        if line.startswith("ip default-gateway "):
            return IPv4Address(line.rpartition(" ")[2])
    return None


def _arp(what: int, sender: bytes, source: IPv4Address, receiver: bytes, target: IPv4Address) -> bytes:
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, what, sender, source.packed, receiver, target.packed)
    return body.ljust(46, b"\0")  # the shortest payload of Ethernet


def _received(wire: socket.socket) -> Iterator[tuple[bytes, tuple[str, int, int, int, bytes]]]:
    while True:
        try:
            yield wire.recvfrom(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # an overrun, or the device is gone; what comes next is still heard
            return
