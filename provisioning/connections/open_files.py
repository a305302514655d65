"""What can be asked of, and done to, a file or folder that is open over SMB (MS-SMB2 3.2.4): its owner and access list,
its name, its deletion."""

from __future__ import annotations

from typing import Any

from smbprotocol.file_info import FileDispositionInformation, FileRenameInformation, InfoType
from smbprotocol.open import (
    InfoAdditionalInformation,
    Open,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
    SMB2SetInfoRequest,
)

from provisioning.connections import security_descriptors as descriptors
from provisioning.connections.security_descriptors import Descriptor

_SECURITY = InfoAdditionalInformation.OWNER_SECURTIY_INFORMATION | InfoAdditionalInformation.DACL_SECURITY_INFORMATION
_LARGEST = 65_536  # octets of a security descriptor: an ACL has at most 64 KiB (MS-DTYP 2.4.5)


def exchange(opened: Open, request: Any) -> bytes:
    """Send a request about what is open; the answer's octets. Raises what ``smbprotocol`` raises, as all of these."""
    tree = opened.tree_connect
    connection = tree.session.connection
    sent = connection.send(request, tree.session.session_id, tree.tree_connect_id)
    return bytes(connection.receive(sent)["data"].get_value())


def descriptor(opened: Open) -> Descriptor:
    """Its owner and access list. Raises :class:`ValueError` for one that cannot be read."""
    request = SMB2QueryInfoRequest()
    request["info_type"] = InfoType.SMB2_0_INFO_SECURITY
    request["output_buffer_length"] = _LARGEST
    request["additional_information"] = _SECURITY
    request["file_id"] = opened.file_id
    response = SMB2QueryInfoResponse()
    response.unpack(exchange(opened, request))
    return descriptors.parse(response["buffer"].get_value())


def set_descriptor(opened: Open, wanted: Descriptor) -> None:
    """Give it an owner, an access list, or both: what `wanted` has."""
    request = SMB2SetInfoRequest()
    request["info_type"] = InfoType.SMB2_0_INFO_SECURITY
    parts = 0
    if wanted.owner is not None:
        parts |= InfoAdditionalInformation.OWNER_SECURTIY_INFORMATION
    if wanted.aces is not None:
        parts |= InfoAdditionalInformation.DACL_SECURITY_INFORMATION
    request["additional_information"] = parts
    request["file_id"] = opened.file_id
    request["buffer"] = descriptors.build(wanted)
    exchange(opened, request)


def rename(opened: Open, to: str) -> None:
    """Put it at another place of its share. The server refuses where something is."""
    renaming = FileRenameInformation()
    renaming["replace_if_exists"] = False
    renaming["file_name"] = to
    set_attributes(opened, renaming)


def delete(opened: Open) -> None:
    """It is gone when it is closed. The server refuses for a folder that is not empty."""
    deletion = FileDispositionInformation()
    deletion["delete_pending"] = True
    set_attributes(opened, deletion)


def set_attributes(opened: Open, what: Any) -> None:
    """Set one of the information classes of MS-FSCC 2.4."""
    request = SMB2SetInfoRequest()
    request["info_type"] = what.INFO_TYPE
    request["file_info_class"] = what.INFO_CLASS
    request["file_id"] = opened.file_id
    request["buffer"] = what
    exchange(opened, request)
