"""Every procedure, by name: from the ledger's plain form back to a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioning.errors import RequestError
from provisioning.procedures.audit_repair import Repair
from provisioning.procedures.backup import Backup, Restore
from provisioning.procedures.base import Request
from provisioning.procedures.configurations import RestoreSections
from provisioning.procedures.ensure import Ensure
from provisioning.procedures.equipment import ConnectEquipment
from provisioning.procedures.erase import Erase
from provisioning.procedures.install import Install
from provisioning.procedures.intranet_access import IntranetAccess
from provisioning.procedures.join import Join
from provisioning.procedures.move import Move
from provisioning.procedures.offboard import Offboard
from provisioning.procedures.onboard import Onboard
from provisioning.procedures.patch import Patch
from provisioning.procedures.pc_parts import PcParts
from provisioning.procedures.publish import Publish
from provisioning.procedures.reinstate import Reinstate
from provisioning.procedures.rename import Rename
from provisioning.procedures.replace import Replace
from provisioning.procedures.reprofile import Reassign
from provisioning.procedures.together import Together
from provisioning.procedures.transfer_data import TransferData

PROCEDURES: Mapping[str, Callable[[Mapping[str, Any]], Request]] = {
    "onboard": Onboard.from_plain,
    "offboard": Offboard.from_plain,
    "reinstate": Reinstate.from_plain,
    "erase": Erase.from_plain,
    "join": Join.from_plain,
    "install": Install.from_plain,
    "replace": Replace.from_plain,
    "connect": ConnectEquipment.from_plain,
    "ensure": Ensure.from_plain,
    "patch": Patch.from_plain,
    "pc-parts": PcParts.from_plain,
    "intranet-access": IntranetAccess.from_plain,
    "move": Move.from_plain,
    "publish": Publish.from_plain,
    "rename": Rename.from_plain,
    "reassign": Reassign.from_plain,
    "repair": Repair.from_plain,
    "transfer-data": TransferData.from_plain,
    "backup": Backup.from_plain,
    "restore": Restore.from_plain,
    "config-restore": RestoreSections.from_plain,
    "together": lambda plain: Together.from_plain(plain, from_plain),
}


def from_plain(plain: Mapping[str, Any]) -> Request:
    """The request that ``to_plain`` wrote. Raises :class:`RequestError` for one that this version does not know."""
    procedure = str(plain.get("procedure"))
    if procedure not in PROCEDURES:
        raise RequestError(f"this version knows no procedure {procedure!r}; expected one of: {', '.join(PROCEDURES)}")
    try:
        return PROCEDURES[procedure](plain)
    except (KeyError, TypeError, ValueError) as exc:
        raise RequestError(f"the request is not one that this version wrote: {type(exc).__name__} {exc}") from exc
