"""Every kind and every kind of proof, by name; each is loaded when it is asked for. A new one is a file and a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioning.resources.base import Kind, ProofKind
from provisioning.resources.on_demand import OnDemand


def _here(places: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{__package__}.{place}" for name, place in places.items()}


# Order matters to people only: plans list the kinds of one target in this order.
KINDS: OnDemand[Kind[Any, Any]] = OnDemand(
    _here(
        {
            "directory.user": "directory.user:USER",
            "directory.computer": "directory.computer:COMPUTER",
            "directory.membership": "directory.membership:MEMBERSHIP",
            "directory.all_groups": "directory.all_groups:ALL_GROUPS",
            "directory.password": "directory.password:PASSWORD",
            "mail.mailbox": "mail.mailbox:MAILBOX",
            "mail.rules": "mail.rules:RULES",
            "mail.sessions": "mail.sessions:SESSIONS",
            "directory.login": "directory.login:LOGIN",
            "intranet.document": "intranet.document:DOCUMENT",
            "network.reservation": "network.reservation:RESERVATION",
            "switch.port": "switch.port:PORT",
            "phones.subscriber": "phones.subscriber:SUBSCRIBER",
            "phones.registrations": "phones.registrations:REGISTRATIONS",
            "phones.configuration": "phones.configuration:CONFIGURATION",
            "files.folder": "files.folder:FOLDER",
            "files.quota": "files.quota:QUOTA",
            "files.archived": "files.archived:ARCHIVED",
            "mail.contents": "mail.contents:CONTENTS",
            "switch.section": "switch.section:SECTION",
            "windows.domain_membership": "windows.domain_membership:DOMAIN_MEMBERSHIP",
            "windows.registry": "windows.registry:REGISTRY",
            "windows.time_zone": "windows.time_zone:TIME_ZONE",
            "windows.local_group": "windows.local_group:LOCAL_GROUP",
            "windows.printer": "windows.printer:PRINTER",
            "windows.package": "windows.package:PACKAGE",
            "windows.restart": "windows.restart:RESTART",
            "windows.user_data": "windows.user_data:USER_DATA",
            "windows.archive": "windows.archive:ARCHIVE_FILE",
        }
    )
)

PROOFS: OnDemand[ProofKind] = OnDemand(
    _here(
        {
            "directory.sign_in": "directory.proofs:SIGN_IN",
            "directory.computer_sign_in": "directory.computer_proofs:COMPUTER_SIGN_IN",
            "mail.delivery": "mail.proofs:DELIVERY",
            "mail.autoconfig": "mail.proofs:AUTOCONFIG",
            "intranet.access": "intranet.proofs:ACCESS",
            "network.lease": "switch.proofs:LEASE",
            "network.port": "switch.proofs:DESK_ON_PORT",
            "directory.shut_out": "directory.shut_out:SHUT_OUT",
            "directory.no_ticket": "directory.shut_out:NO_TICKET",
            "network.released": "switch.released:RELEASED",
            "mail.forwarding": "mail.rule_proofs:FORWARDING",
            "mail.reply": "mail.rule_proofs:REPLY",
            "files.room": "files.quota_proof:ROOM",
            "windows.package": "windows.proofs:PACKAGE_REGISTERED",
            "windows.policy": "windows.proofs:POLICY_READS_BACK",
            "windows.user_data": "windows.user_data_proofs:USER_DATA_THERE",
            "phones.registration": "phones.proofs:REGISTRATION",
            "files.visit": "files.proofs:VISIT",
        }
    )
)
