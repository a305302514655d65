"""The lab's DHCP server: dnsmasq in a namespace of its own, with one access port of the core bridge for each VLAN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.lab.forwarding import Forwarding
from provisioning.lab.namespaces import add_namespace, disable_checksum_offload, namespaces
from provisioning.lab.process import Daemon, run

_LEASE_TIME = "1h"


class DhcpServer:
    """The DHCP server of the lab whose names begin with `prefix`, kept in `folder`. It is the gateway too."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.leases = folder / "dnsmasq.leases"
        self.reservations = folder / "reservations"
        self._folder = folder
        self._prefix = prefix
        self._namespace = f"{prefix}dhcp"
        self._process = Daemon(folder, "dnsmasq")

    def up(
        self, vlans: Mapping[int, IPv4Network], served: Mapping[int, IPv4Network], core: Forwarding, bridge: str
    ) -> None:
        """Start it: a gateway in every one of `vlans`, leases in those that are `served`. Its cables lead to `bridge`
        of `core`."""
        add_namespace(self._namespace)
        for vlan, subnet in vlans.items():
            near, far = f"{self._prefix}v{vlan}", f"{self._prefix}c{vlan}"
            run(["ip", "link", "add", near, "type", "veth", "peer", "name", far])
            disable_checksum_offload(near)
            run(["ip", "link", "set", far, "up", "netns", core.namespace])
            run(["ip", "link", "set", near, "netns", self._namespace, "name", f"v{vlan}", "up"])
            address = f"{next(subnet.hosts())}/{subnet.prefixlen}"
            run(["ip", "-n", self._namespace, "address", "add", address, "dev", f"v{vlan}"])
            core.vsctl(["add-port", bridge, far, "--", "set", "port", far, "vlan_mode=access", f"tag={vlan}"])
        self.reservations.mkdir(exist_ok=True)
        config = self._folder / "dnsmasq.conf"
        config.write_text("\n".join(self._settings(served)) + "\n")
        self._process.start(["ip", "netns", "exec", self._namespace, "dnsmasq", f"--conf-file={config}"])

    def _settings(self, served: Mapping[int, IPv4Network]) -> Iterable[str]:
        # no-ping: the address would otherwise be probed for 3 s. user=root: the lease file is in our folder.
        yield from ("keep-in-foreground", "port=0", "user=root", "no-ping", "dhcp-authoritative", "log-facility=-")
        yield "pid-file="
        yield f"dhcp-leasefile={self.leases}"
        yield f"dhcp-hostsdir={self.reservations}"
        for vlan, subnet in served.items():
            first = subnet[min(100, subnet.num_addresses // 2)]
            yield f"interface=v{vlan}"
            yield f"dhcp-range=set:vlan{vlan},{first},{subnet[-2]},{subnet.netmask},{_LEASE_TIME}"
            yield f"dhcp-option=tag:vlan{vlan},option:router,{next(subnet.hosts())}"

    @property
    def reload(self) -> Sequence[str]:
        """The command that makes it read its reservations again."""
        return ["sh", "-c", f"kill -HUP $(cut -d ' ' -f 1 {self._folder}/dnsmasq.pid)"]

    def down(self) -> None:
        """Stop it and forget its leases."""
        self._process.stop()
        if self._namespace in namespaces():
            run(["ip", "netns", "delete", self._namespace], check=False)
        self.leases.unlink(missing_ok=True)

    def running(self) -> bool:
        """Whether the process runs and its namespace is there."""
        return self._process.pid is not None and self._namespace in namespaces()
