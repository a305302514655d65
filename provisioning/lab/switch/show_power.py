"""``show power inline`` and what else the switch knows of the devices that it feeds and guards."""

from __future__ import annotations

from provisioning.lab.switch.device import Device
from provisioning.lab.switch.interfaces import short_name
from provisioning.lab.switch.neighbours import CDP, LLDP, Neighbour
from provisioning.lab.switch.show_ports import PortView, views

_AVAILABLE = 370.0  # watts


def power_inline(device: Device, port: str | None = None) -> str:
    """``show power inline [X]``. A device that says that it draws power does."""
    rows = [(view, *_fed(device, view)) for view in views(device).values() if not view.name.startswith("Te")]
    used = sum(watts for _, _, watts, _, _ in rows)
    lines = [
        "Module   Available     Used     Remaining",
        "          (Watts)     (Watts)    (Watts) ",
        "------   ---------   --------   ---------",
        f"{1:<10} {_AVAILABLE:>8.1f} {used:>10.1f} {_AVAILABLE - used:>11.1f}",
    ]
    if port is not None:
        lines = []
        rows = [row for row in rows if row[0].name == port]
    lines += [
        "Interface Admin  Oper       Power   Device              Class Max",
        "                            (Watts)                            ",
        "--------- ------ ---------- ------- ------------------- ----- ----",
    ]
    for view, oper, watts, what, kind in rows:
        admin = "auto" if view.config.power else "off"
        lines.append(f"{short_name(view.name):<9} {admin:<6} {oper:<10} {watts:<7.1f} {what:<19} {kind:<5} 30.0 ")
    return "\n".join(lines)


def _fed(device: Device, view: PortView) -> tuple[str, float, str, str]:
    nobody = ("off", 0.0, "n/a", "n/a")
    if not view.config.power:
        return nobody
    if view.fault.poe and view.fault.poe != "on":
        return (view.fault.poe, *nobody[1:])
    found = [n for n in (*device.neighbours.on(CDP, view.name), *device.neighbours.on(LLDP, view.name)) if n.watts]
    if view.fault.poe == "on" or (found and view.up):
        watts = view.fault.watts or (found[0].watts if found else 6.3)
        return "on", watts, _device_name(found), "2" if watts <= 7.0 else "3" if watts <= 15.4 else "4"
    return nobody


def _device_name(found: list[Neighbour]) -> str:
    for each in found:
        model = each.platform or dict(each.inventory).get("Model", "")
        if model:
            return model.removeprefix("Cisco ")[:19]
    return "Ieee PD"


def port_security(device: Device, port: str) -> str:
    """``show port-security interface X``."""
    view = views(device)[port]
    config = view.config
    learned = [entry for entry in device.plane.mac_table() if entry.port == port] if config.security else []
    state = "Secure-shutdown" if view.fault.error_disabled else "Secure-up" if view.up else "Secure-down"
    last = f"{learned[-1].mac.replace(':', '')}" if learned else "0" * 12
    vlan = learned[-1].vlan if learned else 0
    return "\n".join(
        [
            f"Port Security              : {'Enabled' if config.security else 'Disabled'}",
            f"Port Status                : {state if config.security else 'Secure-down'}",
            f"Violation Mode             : {config.security_violation.capitalize()}",
            "Aging Time                 : 0 mins",
            "Aging Type                 : Absolute",
            "SecureStatic Address Aging : Disabled",
            f"Maximum MAC Addresses      : {config.security_maximum}",
            f"Total MAC Addresses        : {len(learned)}",
            "Configured MAC Addresses   : 0",
            f"Sticky MAC Addresses       : {len(learned) if config.security_sticky else 0}",
            f"Last Source Address:Vlan   : {last[:4]}.{last[4:8]}.{last[8:]}:{vlan}",
            f"Security Violation Count   : {1 if view.fault.error_disabled.startswith('psecure') else 0}",
        ]
    )
