"""What is tried again at once, and how often. Everything else fails at once with its cause.

Transient is what one of our connections reports as :class:`~provisioning.errors.UnreachableError` *on a session that
was open*. A session that could not be opened is another matter: that target is off, and its changes are deferred. So
this is the whole list, each with the place that maps it:

================================================  =============================  ==============================
what happened                                     mapped in                      source
================================================  =============================  ==============================
the TCP or TLS connection broke or went silent    every ``connections/*.py``     RFC 9293 3.10.7, socket(7)
LDAP ``busy`` (51), ``unavailable`` (52)          ``ldap_refusals.py``           RFC 4511 A.2
the SSH channel was closed, no prompt came        ``switch.py``, ``shell.py``    RFC 4254 5.3
HTTP 503 from WinRM                               ``winrm.py``                   RFC 9110 15.6.4
WinRM quotas: shells, operations, users           ``winrm.py``                   wsmerror.h, ERROR_WSMAN_QUOTA_*
SMB: file in use, no connections or memory left   ``smb.py``                     MS-ERREF 2.3.1
another installation is under way (1618)          ``windows/package.py``         Windows Installer error codes
================================================  =============================  ==============================

An operation that is tried again is read again first: what did arrive is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.errors import ProvisioningError, UnreachableError

FIRST_PAUSE = 0.5
"""Seconds before the first new try; doubled each time."""


def is_transient(error: ProvisioningError | None) -> bool:
    """Whether an error on an open session is worth a new try."""
    return isinstance(error, UnreachableError)


def pauses(retries: int) -> Iterator[float]:
    """The pause before each new try, in seconds."""
    return (FIRST_PAUSE * 2.0**number for number in range(retries))
