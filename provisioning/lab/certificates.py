"""The lab's own certification authority, so that TLS verification stays on against every lab server.

It signs server certificates with subject alternative names (RFC 5280 4.2.1.6), which is what today's clients
check.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.errors import LabError

_LIFETIME = timedelta(days=365)
_RENEW_BEFORE_END = timedelta(days=30)


@dataclass(frozen=True)
class ServerCertificate:
    """Files of one issued certificate (PEM). `key` has mode 0600."""

    certificate: Path
    key: Path


class LabAuthority:
    """The certification authority of one lab: ``ca.pem`` and ``ca.key`` in `folder`, made on first use."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"

    def up(self) -> Path:
        """Make the authority unless it is there and valid for another month; gives the path of ``ca.pem``."""
        if _valid(self.certificate) and self._key.exists():
            return self.certificate
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provisioning lab CA")])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(name, name, key.public_key(), days=10 * _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.parent.mkdir(parents=True, exist_ok=True)
        _write_key(self._key, key)
        _write(self.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return self.certificate

    def issue(self, names: Sequence[str], addresses: Sequence[str], out_dir: Path, name: str) -> ServerCertificate:
        """``<out_dir>/<name>.pem`` and ``<name>.key`` for these DNS names and IPv4 addresses.

        A certificate that is there already, for the same names and from this authority, is left as it is.
        """
        self.up()
        files = ServerCertificate(out_dir / f"{name}.pem", out_dir / f"{name}.key")
        if files.key.exists() and self._issued(files.certificate, names, addresses):
            return files
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        signer = serialization.load_pem_private_key(self._key.read_bytes(), password=None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise LabError(f"{self._key} is not a key that this lab made; take the lab down and up again")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = (
            _builder(subject, authority.subject, key.public_key(), days=_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_alternative_names(names, addresses), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )
        out_dir.mkdir(parents=True, exist_ok=True)
        _write_key(files.key, key)
        _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return files

    def _issued(self, path: Path, names: Sequence[str], addresses: Sequence[str]) -> bool:
        if not _valid(path):
            return False
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):  # not from this authority: a new one is made
            return False
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return found == _alternative_names(names, addresses)


def _alternative_names(names: Sequence[str], addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [*map(x509.DNSName, names), *(x509.IPAddress(IPv4Address(address)) for address in addresses)]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + days)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _valid(path: Path) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.not_valid_after_utc - datetime.now(UTC) > _RENEW_BEFORE_END


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, key.private_bytes(*form), 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    partial = path.with_suffix(path.suffix + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    partial.rename(path)
