"""``show interfaces counters errors``, and counting anew."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.lab.switch.device import Device
from provisioning.lab.switch.interfaces import short_name
from provisioning.lab.switch.show_ports import PortView, views

_ERRORS = (12, 12, 12, 12, 11, 13)  # widths of the columns
_MORE = (11, 11, 11, 12, 11, 11, 11)


def counters_errors(device: Device, port: str | None = None) -> str:
    """``show interfaces [X] counters errors``."""
    found = [view for name, view in views(device).items() if port in {None, name}]
    lines = ["", "Port        Align-Err     FCS-Err    Xmit-Err     Rcv-Err  UnderSize  OutDiscards"]
    for view in found:
        fault = view.fault
        counts = [view.count("rx_frame_err") + fault.align, view.crc, view.count("tx_errors"), view.input_errors]
        lines.append(_row(view, [*counts, fault.runts, view.drops], _ERRORS))
    lines += ["", "Port      Single-Col  Multi-Col   Late-Col  Excess-Col  Carri-Sen      Runts     Giants"]
    for view in found:
        fault = view.fault
        single = view.count("collisions") + fault.collisions
        counts = [single, 0, fault.late_collisions, 0, view.lost, fault.runts, fault.giants]
        lines.append(_row(view, counts, _MORE))
    return "\n".join(lines)


def _row(view: PortView, counts: Sequence[int], widths: Sequence[int]) -> str:
    cells = "".join(f"{count:>{width}}" for count, width in zip(counts, widths, strict=True))
    return f"{short_name(view.name):<9}{cells}"


def clear_counters(device: Device, port: str | None = None) -> str:
    """``clear counters [X]``: from now on the bridge's counts begin at nothing."""
    for name, counts in device.plane.counters().items():
        if port in {None, name}:
            device.cleared[name] = counts
    return ""
