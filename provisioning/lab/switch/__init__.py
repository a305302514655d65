"""IOS-style switches for the lab: a real command line over SSH in front of Open vSwitch bridges."""

from provisioning.lab.switch.faults import Faults, PortFault, misbehaving, write_faults
from provisioning.lab.switch.service import Switches, SwitchHost

__all__ = ["Faults", "PortFault", "SwitchHost", "Switches", "misbehaving", "write_faults"]
