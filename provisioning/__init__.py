"""Turns "a new colleague starts on Monday at desk B-204-3" into a finished desk.

The public names are loaded on first use, so that ``import provisioning`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioning.api import (
        Plan,
        PlaybookRun,
        Run,
        Site,
        erase,
        install,
        move,
        offboard,
        onboard,
        reassign,
        reinstate,
        rename,
        replace,
        roll_out,
        run_playbook,
    )
    from provisioning.errors import (
        BlockedError,
        CredentialError,
        DriftError,
        InUseError,
        LabError,
        LedgerError,
        ProvisioningError,
        RejectedError,
        RequestError,
        SecretError,
        SiteError,
        TargetError,
        TrustError,
        UnreachableError,
        VerifyError,
    )

__all__ = [
    "BlockedError",
    "CredentialError",
    "DriftError",
    "InUseError",
    "LabError",
    "LedgerError",
    "Plan",
    "PlaybookRun",
    "ProvisioningError",
    "RejectedError",
    "RequestError",
    "Run",
    "SecretError",
    "Site",
    "SiteError",
    "TargetError",
    "TrustError",
    "UnreachableError",
    "VerifyError",
    "erase",
    "install",
    "move",
    "offboard",
    "onboard",
    "reassign",
    "reinstate",
    "rename",
    "replace",
    "roll_out",
    "run_playbook",
]

_API = frozenset({"Plan", "PlaybookRun", "Run", "Site"} | {name for name in __all__ if name.islower()})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'provisioning' has no attribute {name!r}")
    return getattr(import_module("provisioning.api" if name in _API else "provisioning.errors"), name)
