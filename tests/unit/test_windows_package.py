"""The example site's packages, and the parts of ``windows.package`` that need no PC."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.resources.windows.package import find_installer, sha256_of
from provisioning.site import Inventory
from provisioning.site.load import load

EXAMPLE = Path(__file__).parents[2] / "inventories" / "example"


@pytest.fixture(scope="module")
def example() -> Inventory:
    return load(EXAMPLE)


def test_the_packages_are_the_approved_ones(example: Inventory) -> None:
    installers = [installer for package in example.software.values() for installer in package.versions]
    assert len(installers) == 4
    assert {i.file.name: sha256_of(i.file) for i in installers} == {i.file.name: i.sha256 for i in installers}


def test_every_package_has_its_source(example: Inventory) -> None:
    for package in example.software.values():
        for installer in package.versions:
            source = installer.file.with_suffix(".wxs").read_text(encoding="utf-8")
            product = f'Id="{installer.product_code}" Name="{package.display_name}" Version="{installer.version}"'
            assert product in source


def test_an_installer_is_found_by_its_product_code_whatever_the_case(example: Inventory) -> None:
    installer = find_installer(example, "{0c1e5b3a-7f4d-4b52-8e0c-3a0b51c4e410}")
    assert installer is not None
    assert installer.version == "4.1.0"
    assert find_installer(example, "{00000000-0000-0000-0000-000000000000}") is None
    assert find_installer(example, None) is None
