"""Every kind and every kind of proof, by name: two explicit dicts. A new kind is one file and one line here."""

from __future__ import annotations

from typing import Any

from provisioning.resources.base import Kind, ProofKind
from provisioning.resources.directory.computer import COMPUTER
from provisioning.resources.directory.membership import MEMBERSHIP
from provisioning.resources.directory.proofs import SIGN_IN
from provisioning.resources.directory.user import USER
from provisioning.resources.intranet.proofs import ACCESS
from provisioning.resources.mail.mailbox import MAILBOX
from provisioning.resources.mail.proofs import DELIVERY
from provisioning.resources.switch.port import PORT
from provisioning.resources.switch.proofs import DESK_ON_PORT, LEASE
from provisioning.resources.windows.package import PACKAGE
from provisioning.resources.windows.proofs import PACKAGE_REGISTERED, POLICY_READS_BACK
from provisioning.resources.windows.registry import REGISTRY

# Order matters to people only: plans list the kinds of one target in this order.
KINDS: dict[str, Kind[Any, Any]] = {
    kind.name: kind for kind in (USER, COMPUTER, MEMBERSHIP, MAILBOX, PORT, REGISTRY, PACKAGE)
}

PROOFS: dict[str, ProofKind] = {
    proof.name: proof
    for proof in (SIGN_IN, DELIVERY, ACCESS, LEASE, DESK_ON_PORT, PACKAGE_REGISTERED, POLICY_READS_BACK)
}
