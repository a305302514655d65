"""A wrong password is tried once a PC, and not at all PCs: else the domain locks the account."""

from __future__ import annotations

import pytest

from provisioning.connections import sign_ins
from provisioning.connections.sign_ins import SignIns
from provisioning.errors import CredentialError

A, B, C = (f"windows:WS-{n} (WinRM, ntlm, port 5986)" for n in "123")
DOMAIN, LOCAL = "CORP\\svc", "svc"


def test_a_refused_password_is_not_tried_again_at_that_pc() -> None:
    ins = SignIns()
    ins.check("windows:WS-1", A, DOMAIN, "wrong")
    ins.refused(A, DOMAIN, "wrong")
    with pytest.raises(CredentialError, match=r"refused the password of CORP\\svc before") as caught:
        ins.check("windows:WS-1", A, DOMAIN, "wrong")
    assert "wrong" not in str(caught.value)
    ins.check("windows:WS-1", A, DOMAIN, "another")
    ins.check("windows:WS-2", B, DOMAIN, "wrong")


@pytest.mark.parametrize(("user", "is_tried"), [(DOMAIN, False), ("svc@corp.example", False), (LOCAL, True)])
def test_after_two_pcs_a_domain_account_is_left_alone(user: str, is_tried: bool) -> None:
    ins = SignIns()
    for where in (A, A.replace("WinRM", "SMB"), B):
        ins.refused(where, user, "wrong")
    if is_tried:
        ins.check("windows:WS-3", C, user, "wrong")
    else:
        with pytest.raises(CredentialError, match="the domain might lock the account"):
            ins.check("windows:WS-3", C, user, "wrong")


def test_both_ways_into_one_pc_count_as_one() -> None:
    ins = SignIns()
    for where in (A, A.replace("WinRM", "SMB")):
        ins.refused(where, DOMAIN, "wrong")
    ins.check("windows:WS-3", C, DOMAIN, "wrong")


def test_a_password_that_was_right_somewhere_is_no_guess() -> None:
    ins = SignIns()
    ins.accepted(DOMAIN, "right")
    for where in (A, B):
        ins.refused(where, DOMAIN, "right")
    ins.check("windows:WS-1", A, DOMAIN, "right")
    ins.check("windows:WS-3", C, DOMAIN, "right")


def test_it_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    ins = SignIns()
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    ins.refused(A, DOMAIN, "wrong")
    now += sign_ins.PATIENCE + 1
    ins.check("windows:WS-1", A, DOMAIN, "wrong")
