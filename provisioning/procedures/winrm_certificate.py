"""The certificate that a freshly installed PC shows on its WinRM port, made here so that we know it before the PC does.

It is self-signed: nobody else vouches for it, but nobody has to, since it goes to the PC in the answer file and to our
trust anchors beside it. Enrolment by the domain's own CA may replace it later.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import SecretBytes, SecretStr


@dataclass(frozen=True)
class WinRmCertificate:
    """`pem` is what we trust; `pfx` (PKCS #12) with `password` is what the PC imports, a secret. `thumbprint` is the
    SHA-1 of the certificate in upper-case hex, the name by which Windows knows it."""

    pem: bytes
    pfx: SecretBytes
    password: SecretStr
    thumbprint: str


def make(host: str, days: int) -> WinRmCertificate:
    """A new key (P-256) and a certificate for `host`, valid from an hour ago (clocks of new PCs are wrong)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    begin = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    password = secrets.token_hex(16)
    # Windows Setup's certutil reads this form in every Windows 10 and 11
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(20_000)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303 - inside a file that holds the password anyway
        .build(password.encode())
    )
    pfx = pkcs12.serialize_key_and_certificates(None, key, certificate, None, encryption)
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, not a proof
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return WinRmCertificate(pem, SecretBytes(pfx), SecretStr(password), thumbprint)
