"""Any other desk: every entry is one signed POST of JSON.

The signature is HMAC-SHA256 over identifier, timestamp and body, in the headers of the *Standard Webhooks* convention
(standardwebhooks.com), for which receivers have libraries in most languages::

    webhook-id         the entry's key; the same when it is sent again, so the receiver drops what it has
    webhook-timestamp  seconds since 1970, of this attempt
    webhook-signature  v1,BASE64(HMAC-SHA256(key, "ID.TIMESTAMP.BODY"))

:func:`verify` is the receiver's side, for scripts and tests.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping

from provisioning.connections.servicedesk.desk import Entry
from provisioning.connections.servicedesk.https import HttpsClient, refusal
from provisioning.secrets import Secrets
from provisioning.site.servicedesk import WebhookDesk

REPLAY_WINDOW = 300.0
"""Seconds that a timestamp may be off; older messages are replays."""

_PREFIX = "whsec_"


class Webhook:
    """The :class:`~provisioning.connections.servicedesk.desk.Desk` behind a webhook. `clock` gives seconds since
    1970."""

    def __init__(self, site: WebhookDesk, secrets: Secrets, clock: Callable[[], float] = time.time) -> None:
        self._site = site
        self._secrets = secrets
        self._clock = clock
        self._client = HttpsClient(site.server, site.trust, site.timeout)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def open(self, entry: Entry) -> str:
        """The receiver keeps threads by our key, so that is the reference."""
        self._post("opened", entry, entry.key)
        return entry.thread

    def note(self, reference: str, entry: Entry) -> None:  # noqa: ARG002
        """One message of type ``noted``."""
        self._post("noted", entry, entry.key)

    def end(self, reference: str, entry: Entry) -> None:  # noqa: ARG002
        """One more message, of type ``ended``."""
        self._post("ended", entry, f"{entry.key}-end")

    def _post(self, what: str, entry: Entry, key: str) -> None:
        message = {
            "type": f"worklog.{what}",
            "timestamp": entry.at,
            "data": {
                "entry": entry.key,
                "thread": entry.thread,
                "title": entry.title,
                "text": entry.text,
                "who": entry.who,
            },
        }
        body = json.dumps(message, ensure_ascii=False).encode()
        stamp = str(int(self._clock()))
        signature = sign(self._secrets.resolve(self._site.key).get_secret_value(), key, stamp, body)
        headers = {"webhook-id": key, "webhook-timestamp": stamp, "webhook-signature": signature}
        answer = self._client.send("POST", self._site.path, body=body, headers=headers)
        if answer.status >= 300:
            raise refusal(answer, f"message {key}")


def sign(key: str, identifier: str, timestamp: str, body: bytes) -> str:
    """The value of ``webhook-signature``."""
    digest = hmac.new(_bytes(key), f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(headers: Mapping[str, str], body: bytes, key: str, *, now: float, window: float = REPLAY_WINDOW) -> bool:
    """Whether a message is from somebody who has the key, and not older (or newer) than `window` seconds.

    The receiver must also drop messages whose ``webhook-id`` it has taken before. Header names are lower case.
    """
    identifier, timestamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16) or abs(now - int(timestamp)) > window:
        return False
    expected = sign(key, identifier, timestamp, body).encode()
    return any(hmac.compare_digest(expected, one.encode()) for one in given.split())


def _bytes(key: str) -> bytes:
    """The key's bytes: base64 (with or without the prefix ``whsec_``) of 24 to 64 bytes, else the text itself."""
    try:
        raw = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return key.encode()
    return raw if key.startswith(_PREFIX) or 24 <= len(raw) <= 64 else key.encode()
