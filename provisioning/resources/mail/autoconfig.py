"""What mail programs are told of the mail system: made from the site, and read back from what the web server shows.

* ``config-v1.1.xml`` (Thunderbird, K-9, Evolution, KMail): IETF draft-ietf-mailmaint-autoconfig, sections 2 and 3;
  fetched from ``https://autoconfig.<domain>/mail/config-v1.1.xml?emailaddress=…`` and from
  ``https://<domain>/.well-known/autoconfig/mail/config-v1.1.xml``.
* ``autodiscover.xml`` (Outlook): [MS-OXDSCLI] 2.2.4 with its plain XML schema 2006a; a POST of the address to
  ``https://autodiscover.<domain>/autodiscover/autodiscover.xml``. The answer is the same for everybody: Outlook takes
  the address as the user name where no LoginName is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from provisioning.site.mail import ClientServer, MailClients

CONFIG_PATHS = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
AUTODISCOVER_PATH = "/autodiscover/autodiscover.xml"

_RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_SOCKETS = {"tls": "SSL", "starttls": "STARTTLS"}
_USER_NAMES = {"address": "%EMAILADDRESS%", "local part": "%EMAILLOCALPART%"}
_AUTHENTICATION = {"password": "password-cleartext", "kerberos": "GSSAPI"}


@dataclass(frozen=True)
class Told:
    """What a mail program understands about one server."""

    protocol: str
    host: str
    port: int
    security: str


def documents(clients: MailClients, name: str) -> Mapping[str, str]:
    """``{path on the web server: XML}``. `name` is what people read: the company."""
    config, autodiscover = client_config(clients, name), autodiscover_answer(clients)
    return {**dict.fromkeys(CONFIG_PATHS, config), AUTODISCOVER_PATH: autodiscover}


def expected(clients: MailClients) -> tuple[Told, Told]:
    """What every mail program must understand: incoming, outgoing."""
    return _told("imap", clients.incoming), _told("smtp", clients.outgoing)


def client_config(clients: MailClients, name: str) -> str:
    """``config-v1.1.xml``."""
    domains = "".join(f"    <domain>{escape(domain)}</domain>\n" for domain in clients.domains)
    incoming = _server("incomingServer", "imap", clients.incoming, clients)
    outgoing = _server("outgoingServer", "smtp", clients.outgoing, clients)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="1.1">\n'
        f'  <emailProvider id="{escape(clients.domains[0])}">\n{domains}'
        f"    <displayName>{escape(name)}</displayName>\n    <displayShortName>{escape(name)}</displayShortName>\n"
        f"{incoming}{outgoing}  </emailProvider>\n</clientConfig>\n"
    )


def autodiscover_answer(clients: MailClients) -> str:
    """``autodiscover.xml``: one Protocol element a server. Outlook calls STARTTLS Encryption TLS."""
    protocols = _protocol("IMAP", clients.incoming, clients) + _protocol("SMTP", clients.outgoing, clients)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<Autodiscover xmlns="{_RESPONSE}">\n'
        f'  <Response xmlns="{_OUTLOOK}">\n    <Account>\n'
        "      <AccountType>email</AccountType>\n      <Action>settings</Action>\n"
        f"{protocols}    </Account>\n  </Response>\n</Autodiscover>\n"
    )


def autodiscover_question(address: str) -> bytes:
    """What Outlook posts ([MS-OXDSCLI] 2.2.3)."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{_REQUEST}"><Request>'
        f"<EMailAddress>{escape(address)}</EMailAddress>"
        f"<AcceptableResponseSchema>{_OUTLOOK}</AcceptableResponseSchema></Request></Autodiscover>"
    ).encode()


def read_config(octets: bytes, domain: str) -> tuple[Told, ...]:
    """What a program understands from ``config-v1.1.xml`` for an address in `domain`: the first server of each
    direction. Raises :class:`ValueError` with what is wrong."""
    root = _parsed(octets)
    if root.tag != "clientConfig" or root.get("version") != "1.1":
        raise ValueError("it is not a clientConfig of version 1.1")
    provider = root.find("emailProvider")
    if provider is None or domain not in [found.text for found in provider.findall("domain")]:
        raise ValueError(f"it is not for the domain {domain}")
    securities = {name: security for security, name in _SOCKETS.items()}
    told = []
    for tag, protocol in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        server = provider.find(f"{tag}[@type='{protocol}']")
        if server is None:
            raise ValueError(f"it names no {protocol} server")
        security = securities.get(server.findtext("socketType", ""), "none")
        told.append(Told(protocol, server.findtext("hostname", ""), int(server.findtext("port", "")), security))
    return tuple(told)


def read_autodiscover(octets: bytes) -> tuple[Told, ...]:
    """What Outlook understands from the answer. Raises :class:`ValueError` with what is wrong."""
    space = {"o": _OUTLOOK}
    account = _parsed(octets).find("o:Response/o:Account", space)
    if account is None or account.findtext("o:Action", "", space) != "settings":
        raise ValueError("it is not an autodiscover answer with settings")
    told = []
    for name in ("IMAP", "SMTP"):
        found = [p for p in account.findall("o:Protocol", space) if p.findtext("o:Type", "", space) == name]
        if not found:
            raise ValueError(f"it names no {name} server")
        encryption = found[0].findtext("o:Encryption", "", space)
        security = {"SSL": "tls", "TLS": "starttls"}.get(encryption, "none")
        server, port = found[0].findtext("o:Server", "", space), int(found[0].findtext("o:Port", "", space))
        told.append(Told(name.casefold(), server, port, security))
    return tuple(told)


def _parsed(octets: bytes) -> ElementTree.Element:
    """Of a server that we do not trust yet: no document type, so no entities."""
    if b"<!DOCTYPE" in octets or b"<!ENTITY" in octets:
        raise ValueError("it has a document type, which no mail program needs")
    try:
        return ElementTree.fromstring(octets)  # noqa: S314  (no document type: see above)
    except ElementTree.ParseError as exc:
        raise ValueError(f"it is not XML: {exc}") from exc


def _told(protocol: str, server: ClientServer) -> Told:
    return Told(protocol, server.server.host, server.server.port, server.security)


def _server(tag: str, protocol: str, server: ClientServer, clients: MailClients) -> str:
    return (
        f'    <{tag} type="{protocol}">\n'
        f"      <hostname>{escape(server.server.host)}</hostname>\n      <port>{server.server.port}</port>\n"
        f"      <socketType>{_SOCKETS[server.security]}</socketType>\n"
        f"      <username>{_USER_NAMES[clients.user_name]}</username>\n"
        f"      <authentication>{_AUTHENTICATION[clients.authentication]}</authentication>\n    </{tag}>\n"
    )


def _protocol(name: str, server: ClientServer, clients: MailClients) -> str:
    secure = "on" if clients.authentication == "kerberos" else "off"
    encryption = "SSL" if server.security == "tls" else "TLS"
    return (
        f"      <Protocol>\n        <Type>{name}</Type>\n"
        f"        <Server>{escape(server.server.host)}</Server>\n        <Port>{server.server.port}</Port>\n"
        f"        <DomainRequired>off</DomainRequired>\n        <SPA>{secure}</SPA>\n        <SSL>on</SSL>\n"
        f"        <Encryption>{encryption}</Encryption>\n"
        "        <AuthRequired>on</AuthRequired>\n      </Protocol>\n"
    )
