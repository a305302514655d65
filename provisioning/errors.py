"""Every error this package raises, drawn as a tree.

::

    ProvisioningError
    ├── SiteError                 the site's files are wrong (file and line in the message)
    ├── RequestError              what was asked for cannot be planned (unknown person, unapproved package …)
    │   └── InUseError            somebody else is working on the same run at this moment
    ├── SecretError               a credential reference does not lead to a value
    ├── LedgerError               the ledger cannot be opened, read or written
    ├── TargetError               a system did not do what was asked; knows its target
    │   ├── UnreachableError      nobody answers (switched off, cable pulled, wrong port); trying again may help
    │   ├── TrustError            somebody answers, but its certificate or host key is not the trusted one
    │   ├── CredentialError       the system refuses our sign-in
    │   └── RejectedError         the system answers and refuses the operation
    │       ├── DriftError        the thing moved since the plan was made
    │       └── VerifyError       the second read does not show what was applied
    ├── BlockedError              not attempted: something it requires failed
    └── LabError                  the lab on this machine cannot do what was asked

Messages are sentences for a tired admin: the target, what was expected, what happened, what to do next. They never
carry a secret. Every error survives pickling (they cross process borders in workers).
"""

from __future__ import annotations

__all__ = [
    "BlockedError",
    "CredentialError",
    "DriftError",
    "InUseError",
    "LabError",
    "LedgerError",
    "ProvisioningError",
    "RejectedError",
    "RequestError",
    "SecretError",
    "SiteError",
    "TargetError",
    "TrustError",
    "UnreachableError",
    "VerifyError",
]


class ProvisioningError(Exception):
    """Root of the tree: ``except ProvisioningError`` catches all that this package raises on purpose."""


class SiteError(ProvisioningError):
    """The site's files are wrong. `problems` holds one sentence a fault, each beginning with ``file:line:``."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems: tuple[str, ...] = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class RequestError(ProvisioningError):
    """What was asked for cannot be planned; nothing was changed."""


class InUseError(RequestError):
    """Somebody else is working on the same run at this moment; nothing was changed. Try again later."""


class SecretError(ProvisioningError):
    """A credential reference does not lead to a value. The message names the reference, never a value."""


class LedgerError(ProvisioningError):
    """The ledger cannot be opened, read or written."""


class TargetError(ProvisioningError):
    """A system did not do what was asked.

    `target` is the address of the system (``directory``, ``switch:sw-b2-1``, ``windows:WS-0042`` …), `message` the rest
    of the sentence.
    """

    def __init__(self, target: str, message: str) -> None:
        super().__init__(target, message)
        self.target = target
        self.message = message

    def __str__(self) -> str:
        return f"{self.target}: {self.message}"


class UnreachableError(TargetError):
    """Nobody answers at the target (switched off, cable pulled, wrong address), or it answers that it cannot just now
    (busy, shutting down, out of a quota). Trying again later may help."""


class TrustError(TargetError):
    """Somebody answers, but its certificate or host key is not the one that the site trusts."""


class CredentialError(TargetError):
    """The target refuses our sign-in."""


class RejectedError(TargetError):
    """The target answers and refuses the operation."""


class DriftError(RejectedError):
    """The thing moved since the plan was made; it was left as it is."""


class VerifyError(RejectedError):
    """The second read does not show what was applied."""


class BlockedError(ProvisioningError):
    """Not attempted, because something it requires failed."""


class LabError(ProvisioningError):
    """The lab on this machine cannot do what was asked."""
