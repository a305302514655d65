"""What every PC of the site gets, as registry values. Each policy with its source at Microsoft:

========================== ===========================================================================================
DNS suffix search list     DnsClient.admx, "DNS suffix search list": DNSClient, SearchList
machine inactivity limit   security option "Interactive logon: Machine inactivity limit": InactivityTimeoutSecs (s)
last user not shown        security option "Interactive logon: Don't display last signed-in": DontDisplayLastUserName
display off, sleep         power.admx, "Turn off the display (plugged in)", "Specify the system sleep timeout (plugged
                           in)": PowerSettings, GUIDs of the settings in winnt.h, ACSettingIndex (s)
Remote Desktop             TerminalServer.admx, "Allow users to connect remotely": fDenyTSConnections
========================== ===========================================================================================
"""

from __future__ import annotations

from provisioning.resources.windows.reg_file import RegistryValue, full_key
from provisioning.resources.windows.registry import RegistryKey
from provisioning.site.baseline import Power, WorkstationBaseline

_DNS = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows NT\\DNSClient"
_SYSTEM = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
_REMOTE = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows NT\\Terminal Services"
_POWER = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Power\\PowerSettings"
_VIDEO_IDLE = "3C0BC021-C8A8-4E07-A973-6B14CBCB2B7E"  # GUID_VIDEO_POWERDOWN_TIMEOUT
_SLEEP_IDLE = "29F6C1DB-86DA-48C5-9FDB-F2B67B1F44DA"  # GUID_STANDBY_TIMEOUT


def baseline_policies(wanted: WorkstationBaseline) -> dict[str, RegistryKey]:
    """``{key: desired state}``, by key. Values that the site names itself win over those made here."""
    keys: dict[str, dict[str, RegistryValue | None]] = {}
    if wanted.dns_suffixes:
        keys[_DNS] = {"SearchList": RegistryValue(type="REG_SZ", data=",".join(wanted.dns_suffixes))}
    locking = _locking(wanted)
    if locking:
        keys[_SYSTEM] = locking
    if wanted.remote_desktop is not None:
        keys[_REMOTE] = {"fDenyTSConnections": _number(int(not wanted.remote_desktop))}
    keys |= _power(wanted.power)
    names = {full_key(key).casefold(): key for key in keys}
    for key, values in wanted.registry.items():
        own = keys.setdefault(names.setdefault(full_key(key).casefold(), key), {})
        for name, setting in values.items():
            value = None if setting is None else RegistryValue(type=setting.type, data=setting.data)
            for same in [known for known in own if known.casefold() == name.casefold()]:
                del own[same]
            own[name] = value
    return {key: RegistryKey(values=values) for key, values in sorted(keys.items())}


def _locking(wanted: WorkstationBaseline) -> dict[str, RegistryValue | None]:
    values: dict[str, RegistryValue | None] = {}
    if wanted.lock_after is not None:
        values["InactivityTimeoutSecs"] = _number(wanted.lock_after * 60)
    if wanted.hide_last_user is not None:
        values["DontDisplayLastUserName"] = _number(int(wanted.hide_last_user))
    return values


def _power(power: Power) -> dict[str, dict[str, RegistryValue | None]]:
    minutes = {_VIDEO_IDLE: power.display_off, _SLEEP_IDLE: power.sleep}
    return {
        f"{_POWER}\\{guid}": {"ACSettingIndex": _number(idle * 60)}
        for guid, idle in minutes.items()
        if idle is not None
    }


def _number(number: int) -> RegistryValue:
    return RegistryValue(type="REG_DWORD", data=number)
