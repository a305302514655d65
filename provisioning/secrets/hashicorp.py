"""``hashicorp:PATH#field``: KV version 2 on HashiCorp Vault or OpenBao, by hvac (an extra).

Protocol: Vault's HTTP API, "KV Secrets Engine - Version 2" (GET /v1/<mount>/data/<path>) and "AppRole auth method"
(POST /v1/auth/<mount>/login).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provisioning.errors import SecretError
from provisioning.site.secret_sources import HashiCorpVault

_NEEDS_EXTRA = "hashicorp references need the library hvac; install provisioning[hashicorp]"
_SYSTEM_STORES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class HashiCorp:
    """One server. An AppRole signs in when the first value is asked for, and again when its token has run out; nothing
    else is kept.
    """

    def __init__(self, settings: HashiCorpVault, resolve: Callable[[str], SecretStr]) -> None:
        self._settings = settings
        self._resolve = resolve
        self._signing_in = threading.Lock()
        self._token: SecretStr | None = None

    def read(self, reference: str, where: str) -> SecretStr:
        """The field of the newest version at a path of the site's mount. Raises :class:`SecretError`."""
        path, _, field = where.partition("#")
        try:
            credential = self._resolve(self._settings.credential)
        except SecretError as exc:
            raise SecretError(f"{reference}: the sign-in to {self._settings.address} is not to be had: {exc}") from exc
        found = self._look_up(path, field, credential)
        if isinstance(found, str):
            raise SecretError(f"{reference}: {found}")
        return found

    def _look_up(self, path: str, field: str, credential: SecretStr) -> SecretStr | str:
        """The value, or what is wrong and what to do."""
        try:
            import hvac.exceptions  # noqa: PLC0415  (optional)
            import requests  # noqa: PLC0415  (hvac brings it)
        except ImportError:
            return _NEEDS_EXTRA
        trust = self._settings.trust
        if trust is not None and not trust.is_file():
            return f"the trust anchor {trust} does not exist; correct `secrets: hashicorp: trust` in the site"
        try:
            return _field_of(self._fetch(path, credential), self._settings, path, field)
        except hvac.exceptions.VaultError as exc:
            return self._refused(exc, path)
        except requests.exceptions.RequestException as exc:
            return self._not_reached(exc)

    def _fetch(self, path: str, credential: SecretStr) -> Any:
        import hvac.exceptions  # noqa: PLC0415

        token, fresh = self._sign_in(credential)
        try:
            return _get(self._settings, token, path)
        except hvac.exceptions.Forbidden:
            if fresh:
                raise
        # The token of an AppRole runs out: after 32 days if nobody said otherwise, often after minutes.
        self._token = None
        return _get(self._settings, self._sign_in(credential)[0], path)

    def _sign_in(self, credential: SecretStr) -> tuple[SecretStr, bool]:
        """A token, and whether it is as new as can be."""
        role = self._settings.approle
        if role is None:
            return credential, True
        with self._signing_in:  # a secret_id may be good for few sign-ins
            if self._token is not None:
                return self._token, False
            answer = _client(self._settings, SecretStr("")).auth.approle.login(
                role_id=role.role_id, secret_id=credential.get_secret_value(), use_token=False, mount_point=role.mount
            )
            self._token = _text_at(answer, "auth", "client_token")
            return self._token, True

    def _refused(self, exc: Exception, path: str) -> str:
        import hvac.exceptions as refusals  # noqa: PLC0415

        settings, server = self._settings, self._settings.address
        full = f"{settings.mount}/data/{path}"
        match exc:
            case refusals.Forbidden():
                return (
                    f"{server} refuses it (403): the token may not read {full}, or has run out; check the policy "
                    f"and {settings.credential}"
                )
            case refusals.InvalidPath():
                return (
                    f"{server} has nothing at {full}, or its newest version was deleted; check the path and "
                    "`secrets: hashicorp: mount` (a KV version 2 engine) in the site"
                )
            case refusals.InvalidRequest() | refusals.Unauthorized() if settings.approle is not None:
                return f"{server} refuses the AppRole sign-in; check role_id and {settings.credential}"
            case refusals.VaultDown():
                return f"{server} is sealed or on standby (503); unseal it, or name the active node"
        return f"{server} answers with {type(exc).__name__}; look into its log"

    def _not_reached(self, exc: Exception) -> str:
        import requests  # noqa: PLC0415

        server = self._settings.address
        if isinstance(exc, requests.exceptions.SSLError):
            reason = next((e.verify_message for e in _chain(exc) if isinstance(e, ssl.SSLCertVerificationError)), "")
            return (
                f"the certificate of {server} is not trusted ({reason or 'TLS failed'}); check the address and "
                "`secrets: hashicorp: trust` in the site"
            )
        what = "does not answer in time" if isinstance(exc, requests.exceptions.Timeout) else "cannot be reached"
        return f"{server} {what}; check that it runs and that the port is reachable from here"


def _get(settings: HashiCorpVault, token: SecretStr, path: str) -> Any:
    return _client(settings, token).secrets.kv.v2.read_secret_version(
        path=path, mount_point=settings.mount, raise_on_deleted_version=True
    )


def _client(settings: HashiCorpVault, token: SecretStr) -> Any:
    import hvac  # noqa: PLC0415
    import requests  # noqa: PLC0415

    session = requests.Session()
    session.trust_env = False  # no ~/.netrc, no proxies, no REQUESTS_CA_BUNDLE from somebody's shell
    session.verify = _trust(settings.trust)
    return hvac.Client(
        url=settings.address,
        token=token.get_secret_value(),  # never None: hvac would look for one in the environment
        namespace=settings.namespace,
        verify=session.verify,
        timeout=settings.timeout,
        session=session,
        allow_redirects=False,  # requests would send the token's header on to another host
    )


def _field_of(answer: Any, settings: HashiCorpVault, path: str, field: str) -> SecretStr | str:
    if not isinstance(answer, dict):
        return (
            f"{settings.address} does not answer as a Vault server does; it may be on standby and point to another "
            "node: name the active one in `secrets: hashicorp: address`"
        )
    fields = (answer.get("data") or {}).get("data")
    if not isinstance(fields, dict):
        return f"{settings.mount} is not a KV version 2 engine; correct `secrets: hashicorp: mount` in the site"
    if field not in fields:
        return f"{settings.mount}/data/{path} has no field {field}; `vault kv get` shows what is there"
    if not isinstance(fields[field], str) or not fields[field]:
        return f"the field {field} of {settings.mount}/data/{path} is not a text, or empty; put the secret there"
    return SecretStr(fields[field])


def _text_at(answer: Any, *keys: str) -> SecretStr:
    """The text at a path of keys; empty when there is none (the next request is then refused)."""
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return SecretStr(answer if isinstance(answer, str) else "")


def _trust(anchor: Path | None) -> str | bool:
    """A PEM file; ``True`` (the list that requests brings) only where the machine has none of its own."""
    stores = (str(anchor),) if anchor else _SYSTEM_STORES
    return next((store for store in stores if Path(store).is_file()), True)


def _chain(exc: BaseException | None) -> list[BaseException]:
    """An exception and everything that it wraps, as libraries do it: by context and by argument."""
    found: list[BaseException] = []
    todo = [exc]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            todo += [one.__context__, one.__cause__, getattr(one, "reason", None), *one.args]
    return found
