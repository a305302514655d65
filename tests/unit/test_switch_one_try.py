"""A refused password is not tried again; a corrected one is."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from provisioning.connections import switch_one_try
from provisioning.connections.switch_one_try import PATIENCE, Refusals, one_try
from provisioning.errors import CredentialError, UnreachableError
from provisioning.site.base import Credential, Endpoint
from provisioning.site.network import Switch


class Device:
    """Counts what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(switch_one_try, "REFUSALS", Refusals())
        self.password, self.right, self.tries = "canary-1", "right", 0
        self._guard = threading.Lock()
        self.secrets: Any = SimpleNamespace(resolve=lambda _: SecretStr(self.password))

    def use(self, host: str = "192.0.2.10", error: Exception | None = None) -> None:
        switch = Switch(
            ssh=Endpoint(host=host, port=22),
            credential=Credential.model_validate({"user": "netops", "password": "env:X"}),
            known_hosts=Path("/known_hosts"),
            closet="b2",
        )
        with one_try("switch:sw", switch, self.secrets):
            with self._guard:
                self.tries += 1
            if error is not None:
                raise error
            if self.password != self.right:
                raise CredentialError("switch:sw", "refused the password of user 'netops'")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device(monkeypatch)


def test_twenty_at_once_are_one_try(device: Device) -> None:
    def use(_: int) -> str:
        with pytest.raises(CredentialError, match="refused the password of user 'netops'") as caught:
            device.use()
        return str(caught.value)

    with ThreadPoolExecutor(20) as threads:
        told = list(threads.map(use, range(20)))
    assert device.tries == 1
    assert sum("not tried again" in text for text in told) == 19
    assert not any("canary" in text for text in told)


def test_another_password_and_another_switch_are_tried(device: Device) -> None:
    for host in ("192.0.2.10", "192.0.2.11"):
        with pytest.raises(CredentialError):
            device.use(host)
    assert device.tries == 2
    device.password = "right"
    device.use()
    device.use()
    assert device.tries == 4


def test_only_refusals_are_remembered_and_not_for_ever(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        with pytest.raises(UnreachableError):
            device.use(error=UnreachableError("switch:sw", "nobody answers"))
    with pytest.raises(CredentialError):
        device.use()
    assert device.tries == 4
    now = time.monotonic() + PATIENCE + 1
    monkeypatch.setattr(switch_one_try, "time", SimpleNamespace(monotonic=lambda: now))
    device.right = device.password  # it was made right on the switch
    device.use()
    assert device.tries == 5
