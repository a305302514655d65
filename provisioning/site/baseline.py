"""What every PC of the site gets, whoever sits there: names, time, power, locking, local groups, registry values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from provisioning.site.base import Form, Model, Text

DnsSuffix = Annotated[
    str, Form(r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*$", "a DNS suffix such as corp.example", 253)
]

GroupMember = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9][A-Za-z0-9.-]{0,14}\\[^\p{C}\"/\\\[\]:;|=,+*?<>@]{1,64}$",
        r"DOMAIN\name, such as CORP\IT-Support",
        100,
    ),
]
r"""An account or group of a domain, as ``DOMAIN\sAMAccountName`` (the domain's NetBIOS name)."""

LocalGroupName = Literal[
    "administrators", "users", "power users", "remote desktop users", "remote management users", "event log readers"
]

RegistryPath = Annotated[
    str,
    Form(
        r"^(HKLM|HKEY_LOCAL_MACHINE)(\\[^\p{C}\\\"]+)+$",
        r"a registry key below HKLM, such as HKLM\SOFTWARE\Policies\Example",
        1000,
    ),
]

_BITS = {"REG_DWORD": 32, "REG_QWORD": 64}


class RegistrySetting(Model):
    """One registry value: text for REG_SZ and REG_EXPAND_SZ, a number for REG_DWORD and REG_QWORD, a list of texts for
    REG_MULTI_SZ."""

    type: Literal["REG_SZ", "REG_EXPAND_SZ", "REG_DWORD", "REG_QWORD", "REG_MULTI_SZ"]
    data: str | tuple[str, ...] | int

    @field_validator("data", mode="before")
    @classmethod
    def _fits(cls, data: object, info: ValidationInfo) -> object:
        kind = info.data.get("type")
        if kind in _BITS:
            number = _number(data)
            if number is None or not 0 <= number < 1 << _BITS[kind]:
                raise ValueError(f"{kind} holds a number from 0 to {(1 << _BITS[kind]) - 1}, not {data!r}")
            return number
        if kind == "REG_MULTI_SZ":
            if not isinstance(data, (list, tuple)) or not all(isinstance(item, str) and item for item in data):
                raise ValueError(f"REG_MULTI_SZ holds a list of texts that are not empty, not {data!r}")
            if any("\0" in item for item in data):
                raise ValueError("REG_MULTI_SZ cannot hold U+0000")
            return tuple(data)
        if kind is not None and (not isinstance(data, str) or "\0" in data):
            raise ValueError(f"{kind} holds a text, not {data!r}")
        return data


def _number(data: object) -> int | None:
    """The loader hands over scalars as texts; a number may be written as 5 or 0x5."""
    if isinstance(data, bool):
        return None
    if isinstance(data, int):
        return data
    try:
        return int(data, 0) if isinstance(data, str) else None
    except ValueError:
        return None


class Power(Model):
    """Minutes of idleness on mains power; 0: never."""

    display_off: int | None = Field(default=None, ge=0, le=1440)
    sleep: int | None = Field(default=None, ge=0, le=1440)


class WorkstationBaseline(Model):
    """What is set on every PC. What is left out is left to whoever else manages it."""

    dns_suffixes: tuple[DnsSuffix, ...] = Field(default=(), max_length=50)
    time_zone: Text | None = Field(
        default=None, description="as Windows names it in its registry, such as W. Europe Standard Time"
    )
    power: Power = Power.model_construct()
    lock_after: int | None = Field(default=None, ge=1, le=9999, description="minutes without input")
    hide_last_user: bool | None = Field(default=None, description="the sign-in screen does not name who was there last")
    remote_desktop: bool | None = None
    local_groups: dict[LocalGroupName, dict[GroupMember, bool]] = Field(
        default_factory=dict,
        description="who must (true) and must not (false) be a member; members that are not named are left alone",
    )
    registry: dict[RegistryPath, dict[Text, RegistrySetting | None]] = Field(
        default_factory=dict, description="any other values: key → name → {type, data}; null: must be absent"
    )
