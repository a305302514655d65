"""IOS-style switches for the lab: a real command line over SSH in front of Open vSwitch bridges."""

from provisioning.lab.switch.faults import Faults, misbehaving
from provisioning.lab.switch.service import Switches, SwitchHost

__all__ = ["Faults", "SwitchHost", "Switches", "misbehaving"]
