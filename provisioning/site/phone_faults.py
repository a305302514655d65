"""What can be wrong with telephones, once each setting is right in itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from provisioning.site.fault import At, Fault, Once, dangling
from provisioning.site.inventory import Inventory
from provisioning.site.phones import ExtensionRange, Phones, is_secret_setting

LARGEST_RANGE = 100_000


def phone_faults(site: Inventory) -> Iterator[Fault]:
    """Ranges that overlap, classes and models that do not exist, two people with one number, phones at wrong desks."""
    phones = site.phones
    if phones is not None:
        yield from _exchange(phones)
        yield from _ranges(phones)
        yield from _people(site, phones)
    for name, profile in site.profiles.items():
        at = ("profiles", name, "phone_class")
        if phones is not None:
            yield from dangling(at, "phone class", profile.phone_class, phones.classes)
        elif profile.phone_class is not None:
            yield Fault(at, "the site has no section phones; say there what a class of telephone is, or leave this out")
    yield from _telephones(site)


def _exchange(phones: Phones) -> Iterator[Fault]:
    exchange, at = phones.exchange, ("phones", "exchange")
    if (exchange.file is None) == (exchange.database is None):
        yield Fault(at, "expected either file (SQLite) or database (PostgreSQL)")
    if exchange.adapter == "kamailio" and exchange.settings:
        yield Fault((*at, "settings"), "Kamailio's subscribers have no settings; leave them out")
    if exchange.adapter == "asterisk-realtime" and exchange.digest != "md5":
        yield Fault((*at, "digest"), "Asterisk's md5_cred is made with md5; leave digest out")
    if exchange.adapter == "asterisk-realtime" and exchange.control is not None:
        yield Fault((*at, "control"), "this is Kamailio's remote control, which Asterisk does not have; leave it out")
    for name, model in phones.models.items():
        for setting in model.settings:
            if is_secret_setting(model.family, setting):
                place = ("phones", "models", name, "settings", setting)
                yield Fault(place, "its value is a secret; write it below secrets, as a reference such as env:VARIABLE")
    if phones.models and phones.files is None:
        yield Fault(("phones", "models"), "phones fetch files; say in phones: files where these are put")


def _ranges(phones: Phones) -> Iterator[Fault]:
    for name, numbers in phones.ranges.items():
        at = ("phones", "ranges", name)
        yield from _range(at, numbers)
        for i, extension in enumerate(numbers.reserved):
            if extension not in numbers:
                yield Fault((*at, "reserved", i), f"{extension} is not in {numbers.first} to {numbers.last}")
    for (one, a), (other, b) in combinations(phones.ranges.items(), 2):
        if a.first in b or b.first in a:
            message = f"{b.first} to {b.last} overlaps {a.first} to {a.last} of range {one!r}"
            yield Fault(("phones", "ranges", other), message)
    for name, phone_class in phones.classes.items():
        yield from dangling(("phones", "classes", name, "range"), "range", phone_class.range, phones.ranges)


def _range(at: At, numbers: ExtensionRange) -> Iterator[Fault]:
    if len(numbers.first) != len(numbers.last):
        yield Fault((*at, "last"), f"{numbers.first} and {numbers.last} must have the same number of digits")
    elif numbers.first > numbers.last:
        yield Fault((*at, "last"), f"the range ends ({numbers.last}) before it begins ({numbers.first})")
    elif int(numbers.last) - int(numbers.first) >= LARGEST_RANGE:
        yield Fault((*at, "last"), f"a range has at most {LARGEST_RANGE} extensions; make several of it")


def _people(site: Inventory, phones: Phones) -> Iterator[Fault]:
    """A telephone number that is written down fixes the extension, so it must be one of the class's range."""
    taken = Once()
    for key, person in site.people.items():
        profile = site.profiles.get(person.profile)
        phone_class = phones.classes.get(profile.phone_class or "") if profile else None
        numbers = phones.ranges.get(phone_class.range) if phone_class else None
        extension = numbers.extension_in(person.phone) if numbers and person.phone else None
        if phone_class is None or numbers is None or extension is None or person.left is not None:
            continue
        at = ("people", key, "phone")
        if extension not in numbers:
            message = f"extension {extension} is not in range {phone_class.range!r} ({numbers.first} to {numbers.last})"
            yield Fault(at, message)
        elif extension in numbers.reserved:
            yield Fault(at, f"extension {extension} is reserved in range {phone_class.range!r}")
        yield from taken.fault(at, extension, key, f"extension {extension} already belongs to {{other}}")


def _telephones(site: Inventory) -> Iterator[Fault]:
    desks = Once()
    for name, device in site.equipment.items():
        at = ("equipment", name)
        if device.workplace is None:
            continue
        if device.kind != "telephone":
            yield Fault((*at, "workplace"), "only a telephone belongs to a desk; leave the workplace out")
            continue
        yield from dangling((*at, "workplace"), "workplace", device.workplace, site.workplaces)
        taken = f"workplace {device.workplace} already has telephone {{other}}"
        yield from desks.fault((*at, "workplace"), device.workplace, name, taken)
        if site.phones is not None:
            known = site.phones.models
            if device.model is None:
                yield Fault(at, "say which model it is (phones: models), or its file cannot be written")
            elif device.model not in known:
                yield Fault((*at, "model"), f"phones: models has no {device.model!r}", device.model, known.keys())
        place = site.workplaces.get(device.workplace)
        if place is not None and place.outlet == device.outlet and device.vlan != site.network.voice_vlan:
            message = f"it shares outlet {device.outlet} with the desk's PC, so it is in the voice VLAN"
            yield Fault((*at, "vlan"), f"{message} (network: voice_vlan: {site.network.voice_vlan or 'not given'})")
