"""The HTTP connection of WinRM to one PC: pywinrm's transport, with exact trust and without the environment."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from winrm.protocol import Protocol
from winrm.transport import Transport

from provisioning.connections.winrm_sign_in import SpnegoSignIn
from provisioning.site.windows import Windows
from provisioning.site.workplaces import Workstation

OPERATION_TIMEOUT = 10
"""Seconds that the PC may hold one Receive open."""

_OURS = frozenset({"kerberos", "credssp"})  # pywinrm would want more packages for these


def protocol_of(workstation: Workstation, windows: Windows, password: str) -> Protocol:
    """pywinrm's protocol on that transport; nothing is sent yet."""
    protocol = Protocol(
        f"{windows.scheme}://{workstation.host}:{windows.port}/wsman",
        transport="basic" if windows.transport in _OURS else windows.transport,
        username=windows.credential.user,
        password=password,
        ca_trust_path=str(windows.trust) if windows.trust else _machine_store(),
        server_cert_validation="validate" if windows.verify else "ignore",
        operation_timeout_sec=OPERATION_TIMEOUT,
        read_timeout_sec=OPERATION_TIMEOUT + windows.timeout,
        proxy=None,
    )
    plain = protocol.transport
    sign_in = (
        SpnegoSignIn(windows.transport, workstation.host, windows.credential.user, password)
        if windows.transport in _OURS
        else None
    )
    exact = _ExactTransport(workstation, windows.timeout, sign_in)
    exact.__dict__.update(plain.__dict__, adapter=exact.adapter, sign_in=sign_in)
    protocol.transport = exact
    return protocol


def _machine_store() -> str:
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or paths.openssl_capath


class _ExactTransport(Transport):
    """pywinrm's transport, connected to the workstation's address while its certificate is checked for its
    host name."""

    def __init__(self, workstation: Workstation, timeout: int, sign_in: SpnegoSignIn | None) -> None:
        self.adapter = _AddressAdapter(workstation.host, str(workstation.address or workstation.host), timeout)
        self.sign_in = sign_in

    def build_session(self) -> requests.Session:
        """As pywinrm's, but for the environment: requests looks there for proxies and passwords at every message, and
        while it looks, ``no_proxy`` is another one for all threads."""
        if self.session is None:
            session = requests.Session()
            session.trust_env = False
            session.verify = self.server_cert_validation == "validate" and self.ca_trust_path
            session.auth = self.sign_in or self._authentication()
            session.headers.update(self.default_headers)
            self._mount(session)
            if self.auth_method == "ntlm" and not self.endpoint.startswith("https:"):
                self.setup_encryption(session)
            self.session = session
        return self.session

    def _authentication(self) -> AuthBase:
        if self.auth_method == "ntlm":
            return HttpNtlmAuth(self.username, self.password)
        return HTTPBasicAuth(self.username or "", self.password or "")

    def _mount(self, session: requests.Session) -> None:
        session.mount("https://", self.adapter)
        session.mount("http://", self.adapter)


class _AddressAdapter(HTTPAdapter):
    def __init__(self, host: str, address: str, connect_timeout: int) -> None:
        self._host = host
        self._address = address
        self._connect_timeout = connect_timeout
        super().__init__()

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, **keywords, server_hostname=self._host, assert_hostname=self._host)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        where, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        where["host"] = self._address
        if where["scheme"] == "http":
            pool.pop("cert_reqs", None)
        return where, pool

    def send(  # noqa: PLR0917 - the signature is the base class's
        self,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        return super().send(request, stream, (self._connect_timeout, timeout), verify, cert, proxies)
