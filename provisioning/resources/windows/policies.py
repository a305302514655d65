"""Browser policies as registry values: Microsoft Edge, Google Chrome, Mozilla Firefox, Windows' zone Local intranet.

The names are the vendors' own: Microsoft Learn, "Microsoft Edge Browser Policy Documentation"; Google, "Chrome
Enterprise policy list"; Mozilla, "policy-templates" (section Windows (GPO) of each policy); Microsoft, inetres.admx,
"Site to Zone Assignment List". Edge and Chrome apply the home and start page policies only on PCs that are joined to
a domain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioning.resources.windows.reg_file import RegistryValue, texts
from provisioning.resources.windows.registry import RegistryKey

_OPEN_THESE_PAGES = 4
"""RestoreOnStartup: "Open a list of URLs"."""

_START_PAGES = "\\RestoreOnStartupURLs"
_FIREFOX = "HKLM\\SOFTWARE\\Policies\\Mozilla\\Firefox"
_ZONES = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings"
_LOCAL_INTRANET = "1"
"""URLZONE_INTRANET (urlmon.h)."""


@dataclass(frozen=True)
class _BrowserNames:
    """What a browser is called, where it reads its policies, and the one policy that the two call differently."""

    name: str
    key: str
    bookmarks: str


_EDGE = _BrowserNames("Microsoft Edge", "HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge", "ManagedFavorites")
_CHROME = _BrowserNames("Google Chrome", "HKLM\\SOFTWARE\\Policies\\Google\\Chrome", "ManagedBookmarks")

_BOOLEANS = frozenset({"HomepageIsNewTabPage", "ShowHomeButton"})
_JSON_TEXTS = frozenset({"ManagedBookmarks", "ProxySettings"})


@dataclass(frozen=True)
class Browsing:
    """What the site wants of every browser on a PC. What is ``None`` or empty is left to whoever else manages it.

    `bookmarks` are (name, URL) pairs, `proxy_pac` the URL of a proxy auto-configuration script, `sign_in_hosts` the
    host patterns that get Kerberos sign-in without asking (``*.corp.example``), `delegate_hosts` those that may act
    for the person elsewhere, `intranet_zone` what Windows counts as Local intranet.
    """

    home: str | None = None
    start_pages: Sequence[str] = ()
    bookmarks: Sequence[tuple[str, str]] = ()
    proxy_pac: str | None = None
    sign_in_hosts: Sequence[str] = ()
    delegate_hosts: Sequence[str] = ()
    intranet_zone: Sequence[str] = ()


def browser_policies(wanted: Browsing) -> dict[str, RegistryKey]:
    """``{key: desired state}`` for all browsers and for Windows' zones, by key."""
    states = {**_chromium(_EDGE, wanted), **_chromium(_CHROME, wanted), **_firefox(wanted), **_zones(wanted)}
    return dict(sorted(states.items()))


def browser_subject(key: str) -> str | None:
    """Whose policies one of the keys of :func:`browser_policies` holds."""
    known = {_EDGE.key: _EDGE.name, _CHROME.key: _CHROME.name, _FIREFOX: "Mozilla Firefox", _ZONES: "Windows zones"}
    return next((name for start, name in known.items() if key.startswith(start)), None)


def managed_json(states: Mapping[str, RegistryKey]) -> dict[str, object]:
    """The Chrome policies among `states` as Chrome and Chromium read them elsewhere: one file of
    ``/etc/chromium/policies/managed`` ("Linux Chrome Enterprise", quick start). Numbers that are switches become
    booleans, texts that hold JSON what they hold, numbered values lists."""
    found: dict[str, object] = {}
    for key, state in states.items():
        if key == _CHROME.key:
            found |= {name: _plain(name, value) for name, value in state.values.items() if value is not None}
        elif key.startswith(f"{_CHROME.key}\\"):
            numbered = sorted((int(name), value.data) for name, value in state.values.items() if value is not None)
            found[key.rpartition("\\")[2]] = [data for _, data in numbered]
    return found


def _chromium(browser: _BrowserNames, wanted: Browsing) -> dict[str, RegistryKey]:
    states: dict[str, RegistryKey] = {}
    values: dict[str, RegistryValue | None] = {}
    if wanted.home is not None:
        # HomepageLocation only counts while HomepageIsNewTabPage is off
        values |= {
            "HomepageLocation": _text(wanted.home),
            "HomepageIsNewTabPage": _number(0),
            "ShowHomeButton": _number(1),
        }
    if wanted.start_pages:
        values["RestoreOnStartup"] = _number(_OPEN_THESE_PAGES)
        states[f"{browser.key}{_START_PAGES}"] = RegistryKey(values=texts(wanted.start_pages), exclusive=True)
    if wanted.bookmarks:
        values[browser.bookmarks] = _json([{"name": name, "url": url} for name, url in wanted.bookmarks])
    if wanted.proxy_pac is not None:
        # ProxySettings replaced ProxyMode and ProxyPacUrl, which both vendors call deprecated
        values["ProxySettings"] = _json({"ProxyMode": "pac_script", "ProxyPacUrl": wanted.proxy_pac})
    if wanted.sign_in_hosts:
        values["AuthServerAllowlist"] = _text(",".join(wanted.sign_in_hosts))
    if wanted.delegate_hosts:
        values["AuthNegotiateDelegateAllowlist"] = _text(",".join(wanted.delegate_hosts))
    if values:
        states[browser.key] = RegistryKey(values=values)
    return states


def _firefox(wanted: Browsing) -> dict[str, RegistryKey]:
    """Mozilla's own keys. Firefox is installed on few PCs; where it is not, nobody reads them."""
    states: dict[str, RegistryKey] = {}
    home = wanted.home or next(iter(wanted.start_pages), None)
    if home is not None:
        homepage: dict[str, RegistryValue | None] = {"URL": _text(home), "StartPage": _text("homepage")}
        states[f"{_FIREFOX}\\Homepage"] = RegistryKey(values=homepage)
        others = [page for page in wanted.start_pages if page != home]
        # opened beside the home page; an empty exclusive list takes away what a former profile opened
        states[f"{_FIREFOX}\\Homepage\\Additional"] = RegistryKey(values=texts(others), exclusive=True)
    if wanted.bookmarks:
        bookmarks = _json([{"name": name, "url": url} for name, url in wanted.bookmarks])
        as_list = RegistryValue(type="REG_MULTI_SZ", data=(str(bookmarks.data),))
        states[_FIREFOX] = RegistryKey(values={"ManagedBookmarks": as_list})
    if wanted.proxy_pac is not None:
        proxy: dict[str, RegistryValue | None] = {
            "Mode": _text("autoConfig"),
            "AutoConfigURL": _text(wanted.proxy_pac),
            "Locked": _number(1),
        }
        states[f"{_FIREFOX}\\Proxy"] = RegistryKey(values=proxy)
    for name, hosts in (("SPNEGO", wanted.sign_in_hosts), ("Delegated", wanted.delegate_hosts)):
        if hosts:
            # network.negotiate-auth.trusted-uris takes domains; a domain means all hosts below it
            domains = list(dict.fromkeys(host.removeprefix("*").removeprefix(".") for host in hosts))
            states[f"{_FIREFOX}\\Authentication\\{name}"] = RegistryKey(values=texts(domains), exclusive=True)
    if states:
        states[f"{_FIREFOX}\\Certificates"] = RegistryKey(values={"ImportEnterpriseRoots": _number(1)})
    return states


def _zones(wanted: Browsing) -> dict[str, RegistryKey]:
    """Other programs add sites to the same list, so it is not ours alone."""
    if not wanted.intranet_zone:
        return {}
    hosts: dict[str, RegistryValue | None] = {host: _text(_LOCAL_INTRANET) for host in wanted.intranet_zone}
    return {
        _ZONES: RegistryKey(values={"ListBox_Support_ZoneMapKey": _number(1)}),
        f"{_ZONES}\\ZoneMapKey": RegistryKey(values=hosts),
    }


def _plain(name: str, value: RegistryValue) -> object:
    if name in _BOOLEANS:
        return bool(value.data)
    return json.loads(str(value.data)) if name in _JSON_TEXTS else value.data


def _text(text: str) -> RegistryValue:
    return RegistryValue(type="REG_SZ", data=text)


def _number(number: int) -> RegistryValue:
    return RegistryValue(type="REG_DWORD", data=number)


def _json(value: object) -> RegistryValue:
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
