"""What exists and what is allowed: frozen models without I/O, but for :mod:`provisioning.site.load`."""

from provisioning.site.inventory import Inventory

__all__ = ["Inventory"]
