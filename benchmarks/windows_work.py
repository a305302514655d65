"""The work of the benchmark ``settings``: 200 registry policies in 20 keys, five packages that are built for it (ten
files, 1 MB, each), and the request for both."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.procedures.base import Accounts, Work
from provisioning.procedures.packages import package_resources
from provisioning.resources.base import Resource
from provisioning.resources.windows.baseline import baseline_policies
from provisioning.resources.windows.signatures import sha256_of
from provisioning.site import Inventory

KEYS, VALUES, PACKAGES = 20, 10, 5
ROOT_KEY = "HKLM\\SOFTWARE\\Policies\\Benchmark"
_FILES, _OCTETS = 10, 100_000  # files of a package, octets of a file (which cannot be compressed)

_WXS = """<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="{code}" Name="{name}" Version="1.0.0" Language="1033" Manufacturer="Bench" UpgradeCode="{upgrade}">
    <Package InstallerVersion="200" Compressed="yes" InstallScope="perMachine" Description="{name} 1.0.0"/>
    <MajorUpgrade DowngradeErrorMessage="A newer version is already installed."/>
    <Media Id="1" Cabinet="product.cab" EmbedCab="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Directory Id="ProgramFiles64Folder">
        <Directory Id="INSTALLDIR" Name="{name}">
          <Component Id="Program" Guid="{component}" Win64="yes">
            {files}
          </Component>
        </Directory>
      </Directory>
    </Directory>
    <Feature Id="Main" Level="1">
      <ComponentRef Id="Program"/>
    </Feature>
  </Product>
</Wix>
"""


@dataclass(frozen=True)
class Package:
    """A package of the benchmark."""

    number: int
    file: Path
    code: str

    @property
    def key(self) -> str:
        return f"bench-{self.number}"

    @property
    def name(self) -> str:
        return f"Bench Tool {self.number}"

    def plain(self) -> dict[str, Any]:
        """Its entry in the catalogue."""
        version = {
            "version": "1.0.0",
            "product_code": self.code,
            "file": str(self.file),
            "sha256": sha256_of(self.file),
        }
        return {"display_name": self.name, "vendor": "Bench", "versions": [version]}


def build(folder: Path, number: int) -> Package:
    """With wixl, as the example site's."""
    folder.mkdir(exist_ok=True)
    entries = []
    for at in range(_FILES):
        payload = folder / f"tool-{number}-{at}.bin"
        payload.write_bytes(os.urandom(_OCTETS))
        first = ' KeyPath="yes"' if at == 0 else ""
        entries.append(f'<File Id="F{at}" Name="file-{at}.bin" Source="{payload.name}"{first}/>')
    source, file = folder / f"tool-{number}.wxs", folder / f"tool-{number}.msi"
    code, upgrade, component = ("{" + str(uuid.uuid4()).upper() + "}" for _ in range(3))
    source.write_text(
        _WXS.format(
            code=code, name=f"Bench Tool {number}", upgrade=upgrade, component=component, files="".join(entries)
        )
    )
    subprocess.run(["wixl", "--arch", "x64", "--output", file.name, source.name], cwd=folder, check=True)
    return Package(number, file, code)


def values_of(key: int) -> dict[str, dict[str, Any]]:
    """The values of one key: numbers, texts and lists in turn."""
    found: dict[str, dict[str, Any]] = {}
    for value in range(VALUES):
        number = key * VALUES + value
        kinds: list[dict[str, Any]] = [
            {"type": "REG_DWORD", "data": number},
            {"type": "REG_SZ", "data": f"https://intranet.corp.example/{number}?a=b c"},
            {"type": "REG_MULTI_SZ", "data": [f"one {number}", "two"]},
        ]
        found[f"Value{value:02}"] = kinds[number % 3]
    return found


@dataclass(frozen=True)
class SetUp:
    """A request for the baseline's policies and the benchmark's packages on its PCs."""

    pcs: tuple[str, ...]
    packages: tuple[str, ...]
    title: str = "set PCs up"

    def people(self, inventory: Inventory) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def desks(self, inventory: Inventory) -> Mapping[str, str | None]:  # noqa: ARG002
        return {}

    def to_plain(self) -> dict[str, Any]:
        return {"procedure": "benchmark", "pcs": list(self.pcs)}

    def compile(self, inventory: Inventory, accounts: Accounts) -> Work:  # noqa: ARG002
        policies = baseline_policies(inventory.workstation_baseline)
        found: list[Resource] = []
        for pc in self.pcs:
            found += [Resource("windows.registry", f"windows:{pc}", key, state) for key, state in policies.items()]
            found += package_resources(inventory, pc, self.packages)
        return Work(tuple(found), ())


def full(key: str) -> str:
    """With its root spelled out."""
    return key.replace("HKLM", "HKEY_LOCAL_MACHINE", 1)


def printed(key: str, values: Mapping[str, Any]) -> Iterator[str]:
    """What ``reg query`` prints of a key."""
    yield full(key)
    for name, value in values.items():
        data = value.data
        shown = f"0x{data:x}" if isinstance(data, int) else "\\0".join(data) if isinstance(data, tuple) else data
        yield f"{name}    {value.type}    {shown}"
