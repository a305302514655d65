"""What can be wrong in the software catalogue once each entry is right in itself."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.site.fault import At, Fault, Once, dangling
from provisioning.site.inventory import Inventory
from provisioning.site.software import Installer, Package


def software_faults(site: Inventory) -> Iterator[Fault]:
    """Names that lead nowhere, things given twice, files that are missing, requirements that go round in a circle,
    sources that the site does not allow."""
    shown, codes, keys = Once(), Once(), Once()
    for name, package in site.software.items():
        at: At = ("software", name)
        yield from dangling((*at, "licence"), "licence pool", package.licence, site.licences)
        taken = f"display_name {package.display_name!r} already belongs to package {{other}}"
        yield from shown.fault((*at, "display_name"), package.display_name.casefold(), name, taken)
        if package.detect is not None and package.detect.uninstall_key is not None:
            key = package.detect.uninstall_key
            taken = f"the Uninstall key {key!r} already belongs to package {{other}}"
            yield from keys.fault((*at, "detect", "uninstall_key"), key.casefold(), name, taken)
        versions = Once()
        for i, installer in enumerate(package.versions):
            here = (*at, "versions", i)
            label = f"{name} {installer.version}"
            taken = f"version {installer.version} of {name} is there twice"
            yield from versions.fault((*here, "version"), installer.version, str(i), taken)
            taken = f"product code {installer.product_code} already belongs to {{other}}"
            yield from codes.fault((*here, "product_code"), installer.product_code, f"{label} ({i + 1})", taken)
            yield from _installer(site, here, package, installer)
        if package.accepts is not None and package.installer(package.accepts) is None:
            yield Fault(
                (*at, "accepts"),
                f"no version of {name} is in {package.accepts!r}; add one, or widen the range",
            )
        yield from _requirements(site, at, name, package)
    yield from _circles(site)
    yield from _bundles(site)
    trust = site.windows.signing_trust
    if trust is not None and not trust.is_file():
        yield Fault(("windows", "signing_trust"), f"there is no file {trust}; put the CAs' certificates there, as PEM")
    if site.windows.signed and trust is None:
        message = "signed needs signing_trust, the PEM file of the CAs that may stand behind installers"
        yield Fault(("windows", "signed"), message)


def _installer(site: Inventory, here: At, package: Package, installer: Installer) -> Iterator[Fault]:
    if installer.file is not None and not installer.file.is_file():
        message = f"there is no file {installer.file}; put the installer there or correct the path"
        yield Fault((*here, "file"), message)
    if installer.type in {"winget", "chocolatey"} and installer.type not in site.windows.package_sources:
        message = f"the site does not allow {installer.type}; add it to windows: package_sources, or give a file"
        yield Fault((*here, "type"), message)
    if installer.signer is not None and site.windows.signing_trust is None:
        message = "signer needs windows: signing_trust, the PEM file of the CAs that may stand behind installers"
        yield Fault((*here, "signer"), message)
    if installer.type == "exe" and installer.product_code is None and package.uninstall is None:
        message = "an installer of type exe needs uninstall, the silent arguments of its own uninstaller"
        yield Fault((*here, "type"), message)


def _requirements(site: Inventory, at: At, name: str, package: Package) -> Iterator[Fault]:
    for i, required in enumerate(package.requires):
        here = (*at, "requires", i)
        yield from dangling(here, "package", required, site.software)
        if required in site.software and not site.software[required].approved and package.approved:
            yield Fault(here, f"package {required!r} is not approved, so {name} cannot require it")


def _bundles(site: Inventory) -> Iterator[Fault]:
    for name, bundle in site.bundles.items():
        if name in site.software:
            yield Fault(("bundles", name), f"{name} is a package already; give the bundle another name")
        for i, package in enumerate(bundle.packages):
            at: At = ("bundles", name, "packages", i)
            yield from dangling(at, "package", package, site.software)
            if package in site.software and not site.software[package].approved:
                yield Fault(at, f"package {package!r} is not approved (software: {package}: approved: false)")


def _circles(site: Inventory) -> Iterator[Fault]:
    """Requirements must not lead back to where one began. Each circle is reported once."""
    settled: set[str] = set()
    for start in site.software:
        walk: list[str] = []
        if start not in settled and (circle := _walk(site, start, walk, settled)):
            message = f"packages require each other in a circle: {' → '.join(circle)}"
            yield Fault(("software", circle[0], "requires"), message)


def _walk(site: Inventory, name: str, walk: list[str], settled: set[str]) -> list[str]:
    """The first circle that is reached from `name`; all that was seen is settled."""
    if name in walk:
        return [*walk[walk.index(name) :], name]
    if name in settled or name not in site.software:
        return []
    walk.append(name)
    found: list[str] = []
    for required in site.software[name].requires:
        found = found or _walk(site, required, walk, settled)
    walk.pop()
    settled.add(name)
    return found
