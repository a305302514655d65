"""OpenText Service Manager 9 (before: HP, HPE and Micro Focus; the successor of HP OpenView Service Desk) by its
RESTful web services: a record a request, a journal update an entry, closing fields at the end.

Protocol facts, from the vendor's *Web Services Guide* (docs.microfocus.com/SM/9.60/Codeless/Content/webservicesguide/):

* ``resource_reference_incident.htm``: collection ``incidents``, resource ``Incident``, POST on the collection creates,
  PUT on the resource (``/incidents/IM10001``) updates; answers are ``{"Messages": […], "ReturnCode": 0, "Incident":
  {…}}``, lists have ``content: [{"Incident": {…}}]``; long texts such as Description are lists of lines.
* ``rest_queries.htm``: ``?query=`` holds a native query such as ``Title="…"``, URL-encoded in UTF-8, names being
  captions or fields; ``view=expand`` gives whole records.
* ``rest_authentication.htm``: HTTP Basic with an operator's name and password.

An update that writes `JournalUpdates` adds to the journal; the server puts its own line with time and operator before
it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from provisioning.connections.servicedesk.desk import TARGET, Entry
from provisioning.connections.servicedesk.https import Answer, HttpsClient, refusal
from provisioning.errors import RejectedError
from provisioning.secrets import Secrets
from provisioning.site.base import Credential
from provisioning.site.servicedesk import ServiceManagerDesk

_SUCCESS = 0
_NOTHING_FOUND = 9
"""Return codes of the server: RC_SUCCESS, and RC_NO_MORE, which a search that finds nothing gives (with HTTP 404)."""

_LONGEST_TITLE = 120  # characters; `brief.description` is shown in one line


class _Operator(AuthBase):
    def __init__(self, credential: Credential, secrets: Secrets) -> None:
        self._credential = credential
        self._secrets = secrets

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        password = self._secrets.resolve(self._credential.password).get_secret_value()
        return HTTPBasicAuth(self._credential.user.encode(), password.encode())(request)


class ServiceManager:
    """The :class:`~provisioning.connections.servicedesk.desk.Desk` of a site whose desk is Service Manager."""

    def __init__(self, site: ServiceManagerDesk, secrets: Secrets) -> None:
        self._site = site
        auth = _Operator(site.credential, secrets)
        self._client = HttpsClient(site.server, site.trust, site.timeout, auth=auth)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def open(self, entry: Entry) -> str:
        """The number of the record of `entry`'s thread."""
        # The native query that finds it again cannot hold a double quote.
        begin = entry.title.replace('"', "'")[: _LONGEST_TITLE - len(entry.thread) - 3]
        title = f"{begin} [{entry.thread}]"
        if entry.again and (found := self._find(title)) is not None:
            return found
        record = {**self._site.fields, "Title": title, "Description": [*_lines(entry)]}
        what = f"a new {self._site.resource}"
        made = self._record(self._send("POST", "", what, body=record), what)
        number = made.get(self._site.number)
        if not isinstance(number, str) or not number:
            raise RejectedError(
                TARGET, f"{what} came back without {self._site.number}; check service_desk: resource and number"
            )
        return number

    def note(self, reference: str, entry: Entry) -> None:
        """One journal update. Its last line holds the key."""
        what = f"an update of {reference}"
        if entry.again:
            journal = self._record(self._send("GET", _path(reference), what), what).get(self._site.journal)
            lines = journal if isinstance(journal, list) else [journal]
            if any(f"[{entry.key}]" in str(line) for line in lines):
                return
        self._send("PUT", _path(reference), what, body={self._site.journal: [*_lines(entry)]})

    def end(self, reference: str, entry: Entry) -> None:
        """Set the closing fields, unless they are set."""
        what = f"the end of {reference}"
        found = self._record(self._send("GET", _path(reference), what), what)
        closing = dict(self._site.closing)
        if all(str(found.get(name)) == value for name, value in closing.items()):
            return
        self._send("PUT", _path(reference), what, body={**closing, "Solution": [entry.text]})

    def _find(self, title: str) -> str | None:
        what = f"a search for a {self._site.resource}"
        answer = self._client.send(
            "GET", self._site.path, query={"query": f'Title="{title}"', "view": "expand", "count": "1"}
        )
        found = answer.json(what) if answer.status in {200, 404} else None
        if isinstance(found, dict) and found.get("ReturnCode") == _NOTHING_FOUND:
            return None
        if answer.status != 200 or not isinstance(found, dict) or found.get("ReturnCode", _SUCCESS) != _SUCCESS:
            raise refusal(answer, what)
        for item in found.get("content") or []:
            record = item.get(self._site.resource) if isinstance(item, dict) else None
            if isinstance(record, dict) and record.get(self._site.number):
                return str(record[self._site.number])
        return None

    def _send(self, method: str, path: str, what: str, *, body: dict[str, Any] | None = None) -> Answer:
        sent = None if body is None else json.dumps({self._site.resource: body}, ensure_ascii=False).encode()
        answer = self._client.send(method, self._site.path + path, body=sent)
        if answer.status >= 300:
            raise refusal(answer, what)
        plain = answer.json(what)
        # The server says 200 to what its business rules refuse, too.
        if not isinstance(plain, dict) or plain.get("ReturnCode") != _SUCCESS:
            raise refusal(answer, what)
        return answer

    def _record(self, answer: Answer, what: str) -> dict[str, Any]:
        record = answer.json(what).get(self._site.resource)
        if not isinstance(record, dict):
            raise RejectedError(
                TARGET, f"the answer to {what} holds no {self._site.resource!r}; check service_desk: resource"
            )
        return record


def _path(reference: str) -> str:
    return "/" + quote(reference, safe="")


def _lines(entry: Entry) -> tuple[str, str]:
    return entry.text.replace("\n", " "), f"({entry.at[:16].replace('T', ' ')} UTC, {entry.who}) [{entry.key}]"
