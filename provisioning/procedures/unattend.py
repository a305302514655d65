"""``autounattend.xml`` for a bare PC: what Windows Setup reads from the root of a removable medium.

Every setting's component, pass and name is Microsoft's (Learn, "Unattended Windows Setup Reference"; each is listed
with its page in ``docs/domain-join.md``). The file holds the password of the machine account, that of
the deploy account and a private key: it is a secret.
"""

from __future__ import annotations

import base64
import secrets
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from provisioning.errors import RequestError
from provisioning.procedures.join import computer_name
from provisioning.procedures.winrm_certificate import WinRmCertificate
from provisioning.site import Inventory
from provisioning.site.unattend import Unattend

_NS = "urn:schemas-microsoft-com:unattend"
_WCM = "http://schemas.microsoft.com/WMIConfig/2002/State"
_PATH_LIMIT = 259  # characters of a RunSynchronousCommand's Path
_CHUNK = 180  # characters of base64 in one command
_FILES = r"%WINDIR%\Temp\winrm"
_COMPLETE = r"%WINDIR%\Setup\Scripts\SetupComplete.cmd"

Setting = str | list[tuple[str, "Setting"]]
Settings = list[tuple[str, Setting]]


@dataclass(frozen=True)
class AnswerFile:
    """What the file for the PC `name` (in the site) is made of. `account_data` is the offline-domain-join blob in
    base64; `password` is the deploy account's. Both are secrets, as is the certificate's key."""

    name: str
    account_data: SecretStr
    password: SecretStr
    certificate: WinRmCertificate
    product_key: SecretStr | None = None


def answer_file(inventory: Inventory, answers: AnswerFile) -> bytes:
    """The XML, UTF-8. Raises :class:`RequestError` where the site has no account that could sign in afterwards, and
    for values that the file cannot hold."""
    setting = inventory.unattend
    passes: list[tuple[str, list[tuple[str, Settings]]]] = [
        ("windowsPE", list(_windows_pe(setting, answers))),
        ("specialize", list(_specialize(inventory, answers))),
        ("oobeSystem", list(_oobe(inventory, answers))),
    ]
    ET.register_namespace("", _NS)
    ET.register_namespace("wcm", _WCM)
    root = ET.Element(f"{{{_NS}}}unattend")
    for name, components in passes:
        settings = ET.SubElement(root, f"{{{_NS}}}settings", {"pass": name})
        for component, values in components:
            attributes = {
                "name": component,
                "processorArchitecture": setting.architecture,
                "publicKeyToken": "31bf3856ad364e35",
                "language": "neutral",
                "versionScope": "nonSxS",
            }
            _fill(ET.SubElement(settings, f"{{{_NS}}}component", attributes), values)
    ET.indent(root, "  ")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _windows_pe(setting: Unattend, answers: AnswerFile) -> Iterator[tuple[str, Settings]]:
    yield (
        "Microsoft-Windows-International-Core-WinPE",
        [("SetupUILanguage", [("UILanguage", setting.language)]), *_languages(setting)],
    )
    setup: Settings = []
    if setting.disk == "erase":
        setup.append(("DiskConfiguration", _disk()))
    install: Settings = []
    if setting.edition:
        install.append(("InstallFrom", [_item("MetaData", [("Key", "/IMAGE/NAME"), ("Value", setting.edition)])]))
    if setting.disk == "erase":
        install.append(("InstallTo", [("DiskID", "0"), ("PartitionID", "3")]))
    if install:
        setup.append(("ImageInstall", [("OSImage", install)]))
    user: Settings = [("AcceptEula", "true")]
    if answers.product_key is not None:
        user.insert(0, ("ProductKey", [("Key", answers.product_key.get_secret_value()), ("WillShowUI", "OnError")]))
    yield "Microsoft-Windows-Setup", [*setup, ("UserData", user)]


def _specialize(inventory: Inventory, answers: AnswerFile) -> Iterator[tuple[str, Settings]]:
    shell: Settings = [("ComputerName", computer_name(inventory, answers.name))]
    if inventory.unattend.time_zone:
        shell.append(("TimeZone", inventory.unattend.time_zone))
    if inventory.directory.company:
        shell.append(("RegisteredOrganization", inventory.directory.company))
    yield "Microsoft-Windows-Shell-Setup", shell
    account_data: Settings = [("AccountData", answers.account_data.get_secret_value())]
    yield "Microsoft-Windows-UnattendedJoin", [("Identification", [("Provisioning", account_data)])]
    host = inventory.workstations[answers.name].host
    commands = list(_commands(answers.certificate, host, inventory.windows.port))
    yield "Microsoft-Windows-Deployment", [("RunSynchronous", [_command(n, c) for n, c in enumerate(commands, 1)])]


def _oobe(inventory: Inventory, answers: AnswerFile) -> Iterator[tuple[str, Settings]]:
    setting = inventory.unattend
    yield "Microsoft-Windows-International-Core", list(_languages(setting))
    hidden = ("HideEULAPage", "HideOnlineAccountScreens", "HideWirelessSetupInOOBE")
    oobe: Settings = [*((name, "true") for name in hidden), ("ProtectYourPC", "3")]
    account = _item(
        "LocalAccount",
        [
            ("Password", _password(answers.password)),
            ("Group", "Administrators"),  # Setup knows the English name in every language (Learn, "Group")
            ("Name", local_account(inventory)),
        ],
    )
    accounts: Settings = [("LocalAccounts", [account])]
    if setting.administrator == "random":
        accounts.insert(0, ("AdministratorPassword", _password(SecretStr(secrets.token_urlsafe(32) + "aA1!"))))
    yield "Microsoft-Windows-Shell-Setup", [("OOBE", oobe), ("UserAccounts", accounts)]


def local_account(inventory: Inventory) -> str:
    """The login of `windows.credential`, which the new PC gets. Raises :class:`RequestError` for one of the domain."""
    user = inventory.windows.credential.user
    prefix, _, login = user.rpartition("\\")
    if prefix not in {"", "."} or "@" in login:
        raise RequestError(
            f"windows.credential is {user}, which is not a local account; a bare PC needs one that it can be given "
            "(the login alone, or .\\login)"
        )
    return login


def _languages(setting: Unattend) -> Iterator[tuple[str, Setting]]:
    locale = setting.locale or setting.language
    yield "InputLocale", setting.keyboard or locale
    yield "SystemLocale", locale
    yield "UILanguage", setting.language
    yield "UserLocale", locale


def _disk() -> Settings:
    """UEFI: EFI system partition, Microsoft reserved partition, Windows (Learn, "UEFI/GPT-based hard drive
    partitions")."""
    create = [
        [("Type", "EFI"), ("Size", "260")],
        [("Type", "MSR"), ("Size", "16")],
        [("Type", "Primary"), ("Extend", "true")],
    ]
    modify = [("1", [("Format", "FAT32"), ("Label", "System")]), ("3", [("Format", "NTFS"), ("Label", "Windows")])]
    created = [_item("CreatePartition", [("Order", str(n)), *values]) for n, values in enumerate(create, 1)]
    modified = [
        _item("ModifyPartition", [("Order", str(n)), ("PartitionID", which), *values])
        for n, (which, values) in enumerate(modify, 1)
    ]
    partitions: Settings = [("CreatePartitions", list(created)), ("ModifyPartitions", list(modified))]
    return [_item("Disk", [("DiskID", "0"), ("WillWipeDisk", "true"), *partitions]), ("WillShowUI", "OnError")]


def _commands(certificate: WinRmCertificate, host: str, port: int) -> Iterator[str]:
    """What makes WinRM answer over HTTPS. The certificate comes in before the first start; the listener is made by
    SetupComplete.cmd, which Windows runs as SYSTEM before the first sign-in (Learn, "Add a custom script to Windows
    Setup"; not with an OEM product key)."""
    encoded = base64.b64encode(certificate.pfx.get_secret_value()).decode()
    for chunk in textwrap.wrap(encoded, _CHUNK):
        yield f"cmd /c >>{_FILES}.b64 echo {chunk}"
    yield f"cmd /c certutil -f -decode {_FILES}.b64 {_FILES}.pfx"
    yield f"cmd /c certutil -f -p {certificate.password.get_secret_value()} -importpfx {_FILES}.pfx NoExport"
    yield f"cmd /c del /f {_FILES}.b64 {_FILES}.pfx"
    # a local account that is not the built-in one has its rights taken over the network without this (KB 951016)
    policy = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
    yield rf"cmd /c reg add {policy} /v LocalAccountTokenFilterPolicy /t REG_DWORD /d 1 /f"
    yield r"cmd /c mkdir %WINDIR%\Setup\Scripts"
    listener = f'@{{Hostname="{host}";CertificateThumbprint="{certificate.thumbprint}";Port="{port}"}}'
    rule = f'name="WinRM over HTTPS" dir=in action=allow protocol=TCP localport={port}'
    for line in (
        "sc config WinRM start= auto",
        "net start WinRM",
        f"call winrm create winrm/config/Listener?Address=*+Transport=HTTPS {listener}",
        f"netsh advfirewall firewall add rule {rule}",
    ):
        yield f"cmd /c >>{_COMPLETE} echo {line}"


def _command(order: int, path: str) -> tuple[str, Setting]:
    if len(path) > _PATH_LIMIT:
        raise RequestError(
            f"a command of the answer file has {len(path)} characters; Windows Setup takes {_PATH_LIMIT}"
        )
    return _item("RunSynchronousCommand", [("Order", str(order)), ("Path", path)])


def _password(value: SecretStr) -> Settings:
    return [("Value", value.get_secret_value()), ("PlainText", "true")]


def _item(name: str, values: Settings) -> tuple[str, Setting]:
    """One entry of a list: Setup wants each to say that it is added."""
    return f"{name} wcm:action", values


def _fill(parent: ET.Element, settings: Sequence[tuple[str, Setting]]) -> None:
    for name, value in settings:
        tag, _, added = name.partition(" ")
        element = ET.SubElement(parent, f"{{{_NS}}}{tag}", {f"{{{_WCM}}}action": "add"} if added else {})
        if isinstance(value, str):
            if not value.isprintable():  # XML has no way to write most of what is not (XML 1.0, 2.2)
                raise RequestError(f"the answer file cannot hold the control characters in {tag} of the new PC")
            element.text = value
        else:
            _fill(element, value)
