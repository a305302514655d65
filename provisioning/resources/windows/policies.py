"""Browser policies as registry values, for Microsoft Edge and Google Chrome.

The names are the vendors' own: Microsoft Learn, "Microsoft Edge Browser Policy Documentation", and Google,
"Chrome Enterprise policy list". Both browsers apply the home and start page policies only on PCs that are
joined to a domain.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from provisioning.resources.windows.reg_file import RegistryValue, texts
from provisioning.resources.windows.registry import RegistryKey

_OPEN_THESE_PAGES = 4
"""RestoreOnStartup: "Open a list of URLs"."""

_START_PAGES = "\\RestoreOnStartupURLs"


@dataclass(frozen=True)
class _BrowserNames:
    """What a browser is called, where it reads its policies, and the one policy that the two call differently."""

    name: str
    key: str
    bookmarks: str


_BROWSERS = (
    _BrowserNames("Microsoft Edge", "HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge", "ManagedFavorites"),
    _BrowserNames("Google Chrome", "HKLM\\SOFTWARE\\Policies\\Google\\Chrome", "ManagedBookmarks"),
)


def browser_policies(
    *,
    home: str | None,
    start_pages: Sequence[str],
    bookmarks: Sequence[tuple[str, str]],
    proxy_pac: str | None,
    sign_in_hosts: Sequence[str],
) -> dict[str, RegistryKey]:
    """``{key: desired state}`` for both browsers. What is ``None`` or empty is left to whoever else manages
    it.

    `bookmarks` are (name, URL) pairs, `proxy_pac` the URL of a proxy auto-configuration script,
    `sign_in_hosts` the host patterns that get Kerberos sign-in without asking (``*.corp.example``).
    """
    states: dict[str, RegistryKey] = {}
    for browser in _BROWSERS:
        values: dict[str, RegistryValue | None] = {}
        if home is not None:
            # HomepageLocation only counts while HomepageIsNewTabPage is off
            values |= {
                "HomepageLocation": _text(home),
                "HomepageIsNewTabPage": _number(0),
                "ShowHomeButton": _number(1),
            }
        if start_pages:
            values["RestoreOnStartup"] = _number(_OPEN_THESE_PAGES)
            states[f"{browser.key}{_START_PAGES}"] = RegistryKey(values=texts(start_pages), exclusive=True)
        if bookmarks:
            values[browser.bookmarks] = _json([{"name": name, "url": url} for name, url in bookmarks])
        if proxy_pac is not None:
            # ProxySettings replaced ProxyMode and ProxyPacUrl, which both vendors call deprecated
            values["ProxySettings"] = _json({"ProxyMode": "pac_script", "ProxyPacUrl": proxy_pac})
        if sign_in_hosts:
            values["AuthServerAllowlist"] = _text(",".join(sign_in_hosts))
        if values:
            states[browser.key] = RegistryKey(values=values)
    return dict(sorted(states.items()))


def policy_words(key: str) -> str:
    """What people call the policies of one of the keys of :func:`browser_policies`."""
    words = {browser.key: f"{browser.name} policies" for browser in _BROWSERS}
    words |= {f"{browser.key}{_START_PAGES}": f"{browser.name} start pages" for browser in _BROWSERS}
    return words.get(key, key)


def _text(text: str) -> RegistryValue:
    return RegistryValue(type="REG_SZ", data=text)


def _number(number: int) -> RegistryValue:
    return RegistryValue(type="REG_DWORD", data=number)


def _json(value: object) -> RegistryValue:
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
