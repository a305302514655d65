"""Every kind and every kind of proof, by name: two explicit dicts. A new kind is one file and one line here."""

from __future__ import annotations

from typing import Any

from provisioning.resources.base import Kind, ProofKind
from provisioning.resources.directory.all_groups import ALL_GROUPS
from provisioning.resources.directory.computer import COMPUTER
from provisioning.resources.directory.computer_proofs import COMPUTER_SIGN_IN
from provisioning.resources.directory.login import LOGIN
from provisioning.resources.directory.membership import MEMBERSHIP
from provisioning.resources.directory.password import PASSWORD
from provisioning.resources.directory.proofs import SIGN_IN
from provisioning.resources.directory.shut_out import NO_TICKET, SHUT_OUT
from provisioning.resources.directory.user import USER
from provisioning.resources.files.archived import ARCHIVED
from provisioning.resources.files.folder import FOLDER
from provisioning.resources.files.proofs import VISIT
from provisioning.resources.files.quota import QUOTA
from provisioning.resources.files.quota_proof import ROOM
from provisioning.resources.intranet.document import DOCUMENT
from provisioning.resources.intranet.proofs import ACCESS
from provisioning.resources.mail.contents import CONTENTS
from provisioning.resources.mail.mailbox import MAILBOX
from provisioning.resources.mail.proofs import AUTOCONFIG, DELIVERY
from provisioning.resources.mail.rule_proofs import FORWARDING, REPLY
from provisioning.resources.mail.rules import RULES
from provisioning.resources.mail.sessions import SESSIONS
from provisioning.resources.network.reservation import RESERVATION
from provisioning.resources.phones.configuration import CONFIGURATION
from provisioning.resources.phones.proofs import REGISTRATION
from provisioning.resources.phones.registrations import REGISTRATIONS
from provisioning.resources.phones.subscriber import SUBSCRIBER
from provisioning.resources.switch.port import PORT
from provisioning.resources.switch.proofs import DESK_ON_PORT, LEASE
from provisioning.resources.switch.released import RELEASED
from provisioning.resources.switch.section import SECTION
from provisioning.resources.windows.archive import ARCHIVE_FILE
from provisioning.resources.windows.domain_membership import DOMAIN_MEMBERSHIP
from provisioning.resources.windows.local_group import LOCAL_GROUP
from provisioning.resources.windows.package import PACKAGE
from provisioning.resources.windows.printer import PRINTER
from provisioning.resources.windows.proofs import PACKAGE_REGISTERED, POLICY_READS_BACK
from provisioning.resources.windows.registry import REGISTRY
from provisioning.resources.windows.restart import RESTART
from provisioning.resources.windows.time_zone import TIME_ZONE
from provisioning.resources.windows.user_data import USER_DATA
from provisioning.resources.windows.user_data_proofs import USER_DATA_THERE

# Order matters to people only: plans list the kinds of one target in this order.
KINDS: dict[str, Kind[Any, Any]] = {
    kind.name: kind
    for kind in (
        USER,
        COMPUTER,
        MEMBERSHIP,
        ALL_GROUPS,
        PASSWORD,
        MAILBOX,
        RULES,
        SESSIONS,
        LOGIN,
        DOCUMENT,
        RESERVATION,
        PORT,
        SUBSCRIBER,
        REGISTRATIONS,
        CONFIGURATION,
        FOLDER,
        QUOTA,
        ARCHIVED,
        CONTENTS,
        SECTION,
        DOMAIN_MEMBERSHIP,
        REGISTRY,
        TIME_ZONE,
        LOCAL_GROUP,
        PRINTER,
        PACKAGE,
        RESTART,
        USER_DATA,
        ARCHIVE_FILE,
    )
}

PROOFS: dict[str, ProofKind] = {
    proof.name: proof
    for proof in (
        *(SIGN_IN, COMPUTER_SIGN_IN, DELIVERY, AUTOCONFIG, ACCESS, LEASE, DESK_ON_PORT),
        *(SHUT_OUT, NO_TICKET, RELEASED),
        *(FORWARDING, REPLY, ROOM),
        *(PACKAGE_REGISTERED, POLICY_READS_BACK, USER_DATA_THERE, REGISTRATION, VISIT),
    )
}
