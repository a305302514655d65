"""Request Tracker 5 by REST2: a ticket a request, a comment an entry, resolved at the end.

Protocol facts: RT 5 documentation, *RT::REST2* (token authentication, ``/ticket``, ``/ticket/ID/comment``,
``/ticket/ID/history``, ``/tickets?query=`` with TicketSQL, ETag and If-Match), tried on 5.0.3. Comments are internal:
RT sends them to no requestor. The subject of a comment is the `Data` of its transaction, so an entry's key in the
subject is found by one read of the history.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from requests import PreparedRequest
from requests.auth import AuthBase

from provisioning.connections.servicedesk.desk import TARGET, Entry
from provisioning.connections.servicedesk.https import Answer, HttpsClient, refusal
from provisioning.errors import RejectedError
from provisioning.secrets import Secrets
from provisioning.site.servicedesk import RequestTrackerDesk

_PAGE = 100  # RT gives no more at once
_PAGES = 200
_TRIES = 5  # of a change under If-Match, when others write to the ticket at the same time
_LONGEST_SUBJECT = 200  # characters; RT keeps 200
_CLOSED = frozenset({"resolved", "rejected", "deleted"})


class _Token(AuthBase):
    def __init__(self, reference: str, secrets: Secrets) -> None:
        self._reference = reference
        self._secrets = secrets

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"token {self._secrets.resolve(self._reference).get_secret_value()}"
        return request


class RequestTracker:
    """The :class:`~provisioning.connections.servicedesk.desk.Desk` of a site whose desk is Request Tracker."""

    def __init__(self, site: RequestTrackerDesk, secrets: Secrets) -> None:
        self._site = site
        self._root = f"{site.path.rstrip('/')}/REST/2.0"
        auth = _Token(site.token, secrets)
        self._client = HttpsClient(site.server, site.trust, site.timeout, auth=auth)
        self._posted: dict[str, set[str]] = {}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def open(self, entry: Entry) -> str:
        """The number of the ticket of `entry`'s thread."""
        if entry.again and (found := self._find(entry)) is not None:
            return found
        title = entry.title[: _LONGEST_SUBJECT - len(entry.marked_title) + len(entry.title)]
        ticket = {
            "Queue": self._site.queue,
            "Subject": f"{title} [{entry.thread}]",
            "Content": _content(entry),
            "ContentType": "text/plain",
        }
        what = f"a new ticket in queue {self._site.queue!r}"
        answer = self._send("POST", "/ticket", what, body=ticket)
        number = _field(answer.json(what), "id")
        if number is None:
            raise RejectedError(TARGET, f"Request Tracker gave no number for {what}; is {self._root} its REST2?")
        return str(number)

    def note(self, reference: str, entry: Entry) -> None:
        """One comment, with the entry's key as its subject."""
        if entry.again and entry.key in self._subjects(reference):
            return
        comment = {"Subject": entry.key, "Content": _content(entry), "ContentType": "text/plain"}
        self._send("POST", f"/ticket/{_number(reference)}/comment", f"a comment on ticket {reference}", body=comment)
        self._posted.get(reference, set()).add(entry.key)

    def end(self, reference: str, entry: Entry) -> None:  # noqa: ARG002  (RT needs the number only)
        """Resolve the ticket, unless it is closed. If-Match keeps us from overwriting what somebody does meanwhile."""
        path, what = f"/ticket/{_number(reference)}", f"the end of ticket {reference}"
        for _ in range(_TRIES):
            ticket = self._send("GET", path, what)
            if _field(ticket.json(what), "Status") in {self._site.resolved, *_CLOSED}:
                return
            match = {"If-Match": ticket.headers["ETag"]} if "ETag" in ticket.headers else {}
            change = {"Status": self._site.resolved}
            answer = self._client.send("PUT", self._root + path, body=_json(change), headers=match)
            if answer.status == 412:
                continue
            if answer.status >= 300:
                raise refusal(answer, what)
            # RT says 200 to what it did not do as well, so the ticket has the last word at the next turn.
        raise RejectedError(
            TARGET,
            f"ticket {reference} does not become {self._site.resolved!r}; "
            "check the queue's lifecycle and that our account may modify tickets (ModifyTicket)",
        )

    def _find(self, entry: Entry) -> str | None:
        # Keys are hexadecimal digits and dashes; the queue's name is escaped as TicketSQL has it.
        queue = self._site.queue.replace("\\", "\\\\").replace("'", "\\'")
        query = f"Queue = '{queue}' AND Subject LIKE '[{entry.thread}]'"
        what = "a search for tickets"
        found = self._send("GET", "/tickets", what, query={"query": query, "fields": "Subject", "orderby": "id"})
        for ticket in _items(found.json(what)):
            if f"[{entry.thread}]" in str(_field(ticket, "Subject")):
                return str(_field(ticket, "id"))
        return None

    def _subjects(self, reference: str) -> set[str]:
        """The subjects of a ticket's comments, read once."""
        if reference not in self._posted:
            path, what = f"/ticket/{_number(reference)}/history", f"the history of ticket {reference}"
            seen: set[str] = set()
            for page in range(1, _PAGES + 1):
                query = {"fields": "Data", "per_page": str(_PAGE), "page": str(page)}
                items = _items(self._send("GET", path, what, query=query).json(what))
                seen |= {str(_field(item, "Data")).strip() for item in items}
                if len(items) < _PAGE:
                    break
            self._posted[reference] = seen
        return self._posted[reference]

    def _send(
        self, method: str, path: str, what: str, *, query: dict[str, str] | None = None, body: Any = None
    ) -> Answer:
        sent = None if body is None else _json(body)
        answer = self._client.send(method, self._root + path, query=query, body=sent)
        if answer.status >= 300:
            raise refusal(answer, what)
        return answer


def _content(entry: Entry) -> str:
    return f"{entry.text}\n\n({entry.at[:16].replace('T', ' ')} UTC, {entry.who})"


def _number(reference: str) -> str:
    if not re.fullmatch(r"[0-9]{1,18}", reference):
        raise RejectedError(
            TARGET, f"{quote(reference)} is not the number of a ticket; was the desk of the site changed?"
        )
    return reference


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _items(value: Any) -> list[Any]:
    found = _field(value, "items")
    return found if isinstance(found, list) else []
