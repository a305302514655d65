"""What can be wrong between the wall and the switch: VLANs, switches, panels, outlets, and who is plugged in
where.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from provisioning.site.fault import Fault, Once, dangling
from provisioning.site.inventory import Inventory
from provisioning.site.line_checks import line_faults
from provisioning.site.network import Outlet
from provisioning.site.patching_faults import patching_faults


def cabling_faults(site: Inventory) -> Iterator[Fault]:
    """From the VLANs to the desks. No desk can reach an uplink, and no two desks the same port."""
    yield from _vlans(site)
    yield from _switches(site)
    yield from _outlets(site)
    yield from _desks(site)
    yield from patching_faults(site)
    yield from line_faults(site)


def _vlans(site: Inventory) -> Iterator[Fault]:
    vlans = site.network.vlans
    numbers = Once()
    for name, vlan in vlans.items():
        at = ("network", "vlans", name, "id")
        yield from numbers.fault(at, vlan.id, name, f"VLAN number {vlan.id} already belongs to VLAN '{{other}}'")
    for (one, a), (other, b) in combinations(vlans.items(), 2):
        if a.subnet and b.subnet and a.subnet.overlaps(b.subnet):
            yield Fault(("network", "vlans", other, "subnet"), f"{b.subnet} overlaps {a.subnet} of VLAN {one!r}")
    voice, here = site.network.voice_vlan, ("network", "voice_vlan")
    yield from dangling(here, "VLAN", voice, vlans)
    if voice in vlans and vlans[voice].protected:
        yield Fault(here, f"VLAN {voice!r} is protected and cannot be given to desks")


def _switches(site: Inventory) -> Iterator[Fault]:
    ends = Once()
    for name, switch in site.network.switches.items():
        at = ("network", "switches", name)
        yield from dangling((*at, "closet"), "closet", switch.closet, site.closets)
        end = f"{switch.ssh.connect_to}:{switch.ssh.port}"
        yield from ends.fault((*at, "ssh"), end, name, f"{end} already is switch {{other}}")


def _outlets(site: Inventory) -> Iterator[Fault]:
    behind, patched = Once(), Once()
    for name, outlet in site.outlets.items():
        at = ("outlets", name)
        yield from dangling((*at, "closet"), "closet", outlet.closet, site.closets)
        if outlet.closet in site.closets:
            panels = site.closets[outlet.closet].panels
            if outlet.panel not in panels:
                yield Fault(
                    (*at, "panel"),
                    f"closet {outlet.closet} has no panel {outlet.panel!r}",
                    outlet.panel,
                    panels,
                )
            if outlet.panel_port > panels.get(outlet.panel, outlet.panel_port):
                yield Fault((*at, "panel_port"), f"panel {outlet.panel} has only {panels[outlet.panel]} ports")
        port = (outlet.closet, outlet.panel, outlet.panel_port)
        taken = f"panel port {outlet.panel}/{outlet.panel_port} already belongs to outlet {{other}}"
        yield from behind.fault((*at, "panel_port"), port, name, taken)
        if (outlet.switch is None) != (outlet.switch_port is None):
            yield Fault(at, "switch and switch_port go together: give both or neither")
        elif outlet.switch and outlet.switch_port:
            yield from _patch(site, name, outlet, outlet.switch, outlet.switch_port)
            taken = f"{outlet.switch} {outlet.switch_port} is already patched to outlet {{other}}"
            port_key = (outlet.switch, outlet.switch_port.casefold())
            yield from patched.fault((*at, "switch_port"), port_key, name, taken)


def _patch(site: Inventory, name: str, outlet: Outlet, switch_name: str, port: str) -> Iterator[Fault]:
    at = ("outlets", name)
    yield from dangling((*at, "switch"), "switch", switch_name, site.network.switches)
    if switch_name in site.network.switches:
        switch = site.network.switches[switch_name]
        if port.casefold() in {uplink.casefold() for uplink in switch.uplinks}:
            yield Fault((*at, "switch_port"), f"{port} is an uplink of {switch_name}; uplinks are never touched")
        if switch.closet != outlet.closet:
            yield Fault(
                (*at, "switch"),
                f"switch {switch_name} is in closet {switch.closet}, the panel in {outlet.closet}",
            )


def _desks(site: Inventory) -> Iterator[Fault]:
    outlets = Once()
    for name, desk in site.workplaces.items():
        at = ("workplaces", name, "outlet")
        yield from dangling(at, "outlet", desk.outlet, site.outlets)
        taken = f"outlet {desk.outlet} already serves workplace {{other}}: two desks on one port"
        yield from outlets.fault(at, desk.outlet, name, taken)
