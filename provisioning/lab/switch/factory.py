"""The global lines with which a lab switch is delivered, secrets and all: what an archive must mask."""

from __future__ import annotations

import base64
import hashlib


def lab_secrets(hostname: str) -> dict[str, str]:
    """What of a lab switch's configuration is secret: made up from its name, and in the forms of real devices."""

    def digest(what: str) -> bytes:
        return hashlib.sha256(f"lab {hostname} {what}".encode()).digest()

    def text(what: str, length: int) -> str:
        return base64.b64encode(digest(what), b"./").decode().rstrip("=")[:length]

    def scrypt(what: str) -> str:
        return f"$9${text(f'{what} salt', 14)}${text(what, 43)}"

    def vigenere(what: str) -> str:
        return f"0{digest(what)[0] % 10}{digest(what)[1:9].hex().upper()}"

    return {
        "enable": scrypt("enable"),
        "netops": scrypt("netops"),
        "backup": f"$1${text('backup salt', 4)}${text('backup', 22)}",
        "community": f"ro-{text('community', 12)}",
        "trap": f"trap-{text('trap', 10)}",
        "tacacs": vigenere("tacacs"),
        "radius": vigenere("radius"),
        "line": vigenere("line"),
        "ntp": vigenere("ntp"),
    }


def factory_settings(hostname: str, user: str = "netops", gateway: str | None = None) -> dict[str, tuple[str, ...]]:
    """Global lines and blocks, header → the lines under it."""
    secret = lab_secrets(hostname)
    lines: dict[str, tuple[str, ...]] = dict.fromkeys(
        [
            "version 15.2",
            "no service pad",
            "service timestamps debug datetime msec",
            "service timestamps log datetime msec",
            "service password-encryption",
            f"enable secret 9 {secret['enable']}",
            f"username {user} privilege 15 secret 9 {secret['netops']}",
            f"username backup privilege 5 secret 5 {secret['backup']}",
            "aaa new-model",
            "aaa authentication login default group tacacs+ local",
            "aaa authentication dot1x default group radius",
            "aaa authorization exec default local",
            "aaa session-id common",
            "switch 1 provision ws-c2960x-24ps-l",
            "no ip domain-lookup",
            "ip domain-name corp.example",
            "dot1x system-auth-control",
            "spanning-tree mode rapid-pvst",
            "spanning-tree extend system-id",
            "vlan internal allocation policy ascending",
            "lldp run",
        ],
        (),
    )
    lines["archive"] = ("path flash:archive",)
    if gateway is not None:
        lines[f"ip default-gateway {gateway}"] = ()
    later = [
        "no ip http server",
        f"snmp-server community {secret['community']} RO",
        "snmp-server location C-B2",
        f"snmp-server host 10.20.10.9 version 2c {secret['trap']} ",
    ]
    lines |= dict.fromkeys((line.strip() for line in later), ())
    lines["tacacs server TAC-1"] = ("address ipv4 10.20.10.7", f"key 7 {secret['tacacs']}")
    lines["radius server ISE-1"] = (
        "address ipv4 10.20.10.8 auth-port 1812 acct-port 1813",
        f"key 7 {secret['radius']}",
    )
    lines["line con 0"] = (f"password 7 {secret['line']}",)
    lines["line vty 0 4"] = ("exec-timeout 10 0", "transport input ssh")
    lines["line vty 5 15"] = ("exec-timeout 10 0", "transport input ssh")
    lines |= dict.fromkeys([f"ntp authentication-key 1 md5 {secret['ntp']} 7", "ntp server 10.20.10.5"], ())
    return lines
