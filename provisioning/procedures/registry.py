"""Every procedure, by name, loaded when it is asked for: from the ledger's plain form back to a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.base import Request
from provisioning.resources.on_demand import OnDemand

PROCEDURES: Mapping[str, Callable[[Mapping[str, Any]], Request]] = OnDemand(
    {
        "onboard": "provisioning.procedures.onboard:Onboard.from_plain",
        "offboard": "provisioning.procedures.offboard:Offboard.from_plain",
        "reinstate": "provisioning.procedures.reinstate:Reinstate.from_plain",
        "erase": "provisioning.procedures.erase:Erase.from_plain",
        "join": "provisioning.procedures.join:Join.from_plain",
        "install": "provisioning.procedures.install:Install.from_plain",
        "replace": "provisioning.procedures.replace:Replace.from_plain",
        "connect": "provisioning.procedures.equipment:ConnectEquipment.from_plain",
        "ensure": "provisioning.procedures.ensure:Ensure.from_plain",
        "patch": "provisioning.procedures.patch:Patch.from_plain",
        "pc-parts": "provisioning.procedures.pc_parts:PcParts.from_plain",
        "intranet-access": "provisioning.procedures.intranet_access:IntranetAccess.from_plain",
        "move": "provisioning.procedures.move:Move.from_plain",
        "publish": "provisioning.procedures.publish:Publish.from_plain",
        "rename": "provisioning.procedures.rename:Rename.from_plain",
        "reassign": "provisioning.procedures.reprofile:Reassign.from_plain",
        "repair": "provisioning.procedures.audit_repair:Repair.from_plain",
        "transfer-data": "provisioning.procedures.transfer_data:TransferData.from_plain",
        "backup": "provisioning.procedures.backup:Backup.from_plain",
        "restore": "provisioning.procedures.backup:Restore.from_plain",
        "config-restore": "provisioning.procedures.configurations:RestoreSections.from_plain",
        "together": "provisioning.procedures.registry:_together",
    }
)


def from_plain(plain: Mapping[str, Any]) -> Request:
    """The request that ``to_plain`` wrote. Raises :class:`RequestError` for one that this version does not know."""
    procedure = str(plain.get("procedure"))
    if procedure not in PROCEDURES:
        raise RequestError(f"this version knows no procedure {procedure!r}; expected one of: {', '.join(PROCEDURES)}")
    try:
        return PROCEDURES[procedure](plain)
    except (KeyError, TypeError, ValueError) as exc:
        raise RequestError(f"the request is not one that this version wrote: {type(exc).__name__} {exc}") from exc


def _together(plain: Mapping[str, Any]) -> Request:
    from provisioning.procedures.together import Together  # noqa: PLC0415  (as all the others: when it is asked for)

    return Together.from_plain(plain, from_plain)
