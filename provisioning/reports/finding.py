"""What a search found, as text: one block a device, one a port."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rich.text import Text

from provisioning.reports.words import count, moment, safe, short

_LISTED = 12
_WIDTH = 14
_VERDICTS = {
    "agrees": ("as the site says", "green"),
    "elsewhere": ("not where the site says", "red"),
    "other VLAN": ("on its port, but in another VLAN than the site says", "red"),
    "several places": ("on several ports at once: an old entry, a loop, or two devices with one MAC address", "red"),
    "behind": ("not seen on a port of its own: its switch did not answer, or is not in the site", "yellow"),
    "not seen": ("not seen by any switch that answered; is it switched on and plugged in?", "yellow"),
    "no place in the site": ("", ""),  # what the site says of it is told
}


def finding(document: Mapping[str, Any]) -> Text:
    """From the plain data of a finding."""
    sought, devices = document["sought"], document["devices"]
    itself = len(devices) == 1 and devices[0]["device"]["name"] == sought["name"]
    lines = [Text.assemble((safe(sought["title"]), "bold"), _known(devices[0]["device"]) if itself else "")]
    if sought["nothing"]:
        lines.append(Text(f"  {safe(sought['nothing'])}", "yellow"))
    for one in devices:
        if not itself:
            device = one["device"]
            lines.append(
                Text.assemble("  ", (safe(device["name"]), "bold"), f"  {safe(device['sort'])}", _known(device))
            )
        lines += _device(one, document["unread"])
    shown = {(place["at"]["switch"], place["at"]["port"]) for one in devices for place in one["places"]}
    for port in document["ports"]:
        if _at(port) != sought["title"]:
            lines.append(Text.assemble("  ", (_at(port), "bold")))
        lines += _port(port, details=(port["switch"], port["port"]) not in shown)
    lines += [
        Text(f"  ! {safe(one['name'])} is plugged in there, and {_belongs(one)}", "red")
        for one in document["strangers"]
    ]
    lines += [Text(f"! {safe(name)} was not asked: {safe(why)}", "yellow") for name, why in document["unread"].items()]
    lines += [Text(f"! {safe(remark)}", "yellow") for remark in document["remarks"]]
    return Text("\n").join(lines)


def _device(one: Mapping[str, Any], unread: Collection[str]) -> Iterator[Text]:
    device = one["device"]
    for place in one["places"]:
        yield _line("is on", f"{_at(place['at'])}{_vlans(place['vlans'])}{_company(place)}")
        yield from _details(place["at"])
    for way in one["ways"]:
        yield _line("seen through", f"{_at(way['at'])}{_vlans(way['vlans'])}: {safe(way['through'] or '')}")
    if first := one["first_seen"]:
        when = f"{moment(first['at'])} on {safe(first['switch'])} {safe(first['port'])} (run {first['run_id']})"
        yield _line("first seen", when)
    said, style = _VERDICTS[one["verdict"]]
    if not device["expected"]:
        yield _line("the site says", safe(device["nowhere"]))
        if one["verdict"] == "no place in the site":
            return
        said = said.partition(";")[0]  # nobody expects it to be plugged in
    elif one["verdict"] == "agrees":
        said = f"{said}: {_expected(device)}"
    else:
        yield _line("should be on", _expected(device))
        if one["verdict"] == "not seen" and device["expected"]["switch"] in unread:
            said = "its own switch did not answer, and no other one sees it"
    yield Text.assemble("    ", (said, style))


def _known(device: Mapping[str, Any]) -> str:
    mac = "" if device["name"] == device["mac"] else f", {device['mac']}"
    people = f", of {', '.join(device['people'])}" if device["people"] else ""
    return safe(mac + people)


def _company(place: Mapping[str, Any]) -> str:
    return f", beside {count(place['others'], 'other MAC address', 'other MAC addresses')}" if place["others"] else ""


def _at(port: Mapping[str, Any]) -> str:
    return f"{safe(port['switch'])} {safe(port['port'])}"


def _vlans(numbers: list[int] | tuple[int, ...]) -> str:
    return f", VLAN {' and '.join(map(str, numbers))}" if numbers else ""


def _expected(device: Mapping[str, Any]) -> str:
    expected = device["expected"]
    vlan = f", VLAN {expected['vlan']}" if expected["vlan"] is not None else ""
    at = f"workplace {expected['workplace']}, " if expected["workplace"] else ""
    return safe(f"{expected['switch']} {expected['port']}{vlan} ({at}outlet {expected['outlet']})")


def _belongs(device: Mapping[str, Any]) -> str:
    return f"belongs on {_expected(device)}" if device["expected"] else f"by the site {safe(device['nowhere'])}"


def _port(port: Mapping[str, Any], *, details: bool) -> Iterator[Text]:
    if not port["known"]:
        yield Text("    the switch has no such port", "red")
        return
    if details:
        yield from _details(port)
    macs = [
        f"{safe(mac)}{f' in VLAN {vlan}' if vlan is not None else ''}{f' ({safe(name)})' if name else ''}"
        for mac, vlan, name in port["macs"]
    ]
    more = f" and {len(macs) - _LISTED} more" if len(macs) > _LISTED else ""
    yield _line("sees", (", ".join(macs[:_LISTED]) + more) or "no device")


def _details(port: Mapping[str, Any]) -> Iterator[Text]:
    link, power, activity = port["link"], port["power"], port["activity"]
    if link:
        speed = f"{link['speed']} Mbit/s" if link["speed"] else ""
        duplex = f"{link['duplex']} duplex" if link["duplex"] else ""
        words = [link["status"], speed, duplex, f"VLAN {link['vlan']}" if link["vlan"] else ""]
        yield _line("link", ", ".join(safe(word) for word in words if word))
    if described := (activity and activity["description"]) or (link and link["description"]):
        yield _line("described as", short(described))
    if power:
        watts = f", {power['watts']:g} W" if power["watts"] else ""
        device = f" ({short(power['device'])})" if power["device"] else ""
        yield _line("PoE", f"{safe(power['oper'])}{watts}{device}")
    if activity and activity["last_input"]:
        yield _line("last frame", safe(activity["last_input"]))
    if activity and activity["last_change"]:
        yield _line("last change", safe(activity["last_change"]))
    for one in port["neighbours"]:
        known = ", ".join(short(one[name]) for name in ("capabilities", "address", "remote_port") if one[name])
        yield _line(one["protocol"], f"{short(one['name'] or one['chassis'])}{f' ({known})' if known else ''}")


def _line(label: str, words: str) -> Text:
    return Text.assemble("    ", (label.ljust(_WIDTH), "dim"), words)
