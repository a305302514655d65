"""How mail programs on a PC find their servers, as registry values: Outlook and Thunderbird.

* Outlook reads its autodiscover settings from the hive of the person (Microsoft Learn, "How to control Outlook
  AutoDiscover by using Group Policy", article 2612922, and "Unexpected Autodiscover behavior when you have registry
  settings under the Autodiscover key", article 2212902). Nobody has signed in on a new PC yet, so Active Setup writes
  them when somebody does, once for each person: a key of HKLM with a StubPath that Windows runs at sign-in.
* Thunderbird reads policies from HKLM like Firefox (Thunderbird, "policy-templates"). The account itself comes from
  the autoconfiguration that the intranet publishes (see :mod:`provisioning.resources.mail.autoconfig`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from provisioning.resources.windows.reg_file import RegistryValue, texts
from provisioning.resources.windows.registry import RegistryKey

_THUNDERBIRD = "HKLM\\SOFTWARE\\Policies\\Mozilla\\Thunderbird"
_ACTIVE_SETUP = "HKLM\\SOFTWARE\\Microsoft\\Active Setup\\Installed Components\\Provisioning.Outlook"
_AUTODISCOVER = "HKCU\\Software\\Microsoft\\Office\\16.0\\Outlook\\AutoDiscover"
"""16.0: Outlook 2016, 2019, 2021, 2024 and Microsoft 365."""


def mail_policies(*, exchange: bool, kerberos_domains: Sequence[str] = ()) -> dict[str, RegistryKey]:
    """``{key: desired state}``. With `exchange`, Outlook makes its profile for the Exchange server that the directory
    names; without, it looks at nothing but ``autodiscover.<domain>`` and the XML there.

    `kerberos_domains`: hosts below them get Kerberos sign-in from Thunderbird.
    """
    states = {
        _ACTIVE_SETUP: RegistryKey(values=_outlook(exchange=exchange)),
        _THUNDERBIRD: RegistryKey(values={"Preferences": _preferences(exchange=exchange)}),
        f"{_THUNDERBIRD}\\Certificates": RegistryKey(values={"ImportEnterpriseRoots": _number(1)}),
    }
    if kerberos_domains:
        states[f"{_THUNDERBIRD}\\Authentication\\SPNEGO"] = RegistryKey(values=texts(kerberos_domains), exclusive=True)
    return states


def mail_subject(key: str) -> str | None:
    """Whose policies one of the keys of :func:`mail_policies` holds."""
    if key == _ACTIVE_SETUP:
        return "Outlook"
    return "Thunderbird" if key.startswith(_THUNDERBIRD) else None


def _outlook(*, exchange: bool) -> dict[str, RegistryValue | None]:
    settings = {
        "ZeroConfigExchange": int(exchange),
        "ExcludeScpLookup": int(not exchange),
        "ExcludeHttpsRootDomain": 1,
        "ExcludeHttpsAutoDiscoverDomain": 0,
        "ExcludeExplicitO365Endpoint": 1,
    }
    adds = [f"reg add {_AUTODISCOVER} /v {name} /t REG_DWORD /d {data} /f" for name, data in settings.items()]
    return {
        "StubPath": _text(f"cmd.exe /c {' & '.join(adds)}"),
        # Windows runs the StubPath again for everybody who has seen a lower version only.
        "Version": _text("1,1" if exchange else "1,0"),
    }


def _preferences(*, exchange: bool) -> RegistryValue:
    wanted = {
        "mailnews.auto_config.fetchFromISP.enabled": True,
        "mailnews.auto_config.fetchFromExchange.enabled": exchange,
        "mailnews.auto_config.guess.enabled": False,
    }
    preferences = {name: {"Value": value, "Status": "locked"} for name, value in wanted.items()}
    return RegistryValue(type="REG_MULTI_SZ", data=(json.dumps(preferences, separators=(",", ":")),))


def _text(text: str) -> RegistryValue:
    return RegistryValue(type="REG_SZ", data=text)


def _number(number: int) -> RegistryValue:
    return RegistryValue(type="REG_DWORD", data=number)
