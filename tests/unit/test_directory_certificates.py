"""The lab's certification authority."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509

from provisioning.lab.certificates import LabAuthority


def test_certificates_are_issued_once_and_keys_are_private(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    files = authority.issue(["dc1.corp.example"], ["127.77.9.10"], tmp_path / "dc", "dc")
    before = files.certificate.read_bytes()
    assert authority.issue(["dc1.corp.example"], ["127.77.9.10"], tmp_path / "dc", "dc") == files
    assert files.certificate.read_bytes() == before
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
    names = x509.load_pem_x509_certificate(before).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["dc1.corp.example"]


def test_other_names_or_another_authority_make_a_new_certificate(tmp_path: Path) -> None:
    first = LabAuthority(tmp_path / "a").issue(["one.example"], [], tmp_path, "server").certificate.read_bytes()
    second = LabAuthority(tmp_path / "a").issue(["two.example"], [], tmp_path, "server").certificate.read_bytes()
    third = LabAuthority(tmp_path / "b").issue(["two.example"], [], tmp_path, "server").certificate.read_bytes()
    assert len({first, second, third}) == 3


def test_key_and_certificate_belong_together_and_the_authority_loads(tmp_path: Path) -> None:
    authority = LabAuthority(tmp_path)
    files = authority.issue(["x.example"], [], tmp_path, "x")
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(files.certificate, files.key)
