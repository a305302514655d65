"""Forwarding and automatic replies: what is refused, the Sieve script, and whose script is active when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace as Some
from typing import Any, cast

import pytest
from pydantic import ValidationError

from provisioning.connections.mail import MailSession
from provisioning.connections.managesieve import NobodyError
from provisioning.errors import RejectedError, UnreachableError
from provisioning.resources.base import Address, Change, Proof
from provisioning.resources.mail.rule_proofs import FORWARDING, REPLY
from provisioning.resources.mail.rules import LONGEST_REPLY, RULES, MailRules
from provisioning.resources.mail.sieve_script import NAME, Script, parse, render

GONE = MailRules(
    forward_to="bo@corp.example", keep_copy=True, reply='Ich bin "weg".\n\\o/ Пока 你好', reply_subject="Weg"
)
SORTING = 'require ["fileinto"];\nfileinto "Lists";\n'


@dataclass
class MadeUp:
    """A mail server with the scripts of one login, and which of them is active."""

    texts: dict[str, str] = field(default_factory=dict)
    active: str | None = None
    extensions: frozenset[str] = frozenset({"copy", "vacation", "include"})
    target: str = "mail"

    @contextmanager
    def sieve(self, login: str) -> Iterator[MadeUp]:
        if login != "anna":
            raise NobodyError("mail", f"no mailbox of {login}")
        yield self

    def scripts(self) -> dict[str, bool]:
        return {name: name == self.active for name in self.texts}

    def get(self, name: str) -> str:
        return self.texts[name]

    def put(self, name: str, text: str) -> None:
        self.texts[name] = text

    def activate(self, name: str | None) -> None:
        assert name is None or name in self.texts
        self.active = name

    def delete(self, name: str) -> None:
        assert name != self.active, "an active script cannot be deleted (RFC 5804, 2.10)"
        del self.texts[name]


def applied(server: MadeUp, before: MailRules | None, after: MailRules | None, login: str = "anna") -> str | None:
    change = Change(Address("mail.rules", "mail", login), before, after)
    (outcome,) = RULES.apply(cast(MailSession, server), [change])
    return None if outcome.error is None else str(outcome.error)


def seen(server: MadeUp) -> MailRules | None:
    return RULES.read(cast(MailSession, server), ["anna", "nobody"]).get("anna")


# -- what may be asked for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reply": "x" * (LONGEST_REPLY + 1)}, "the reply has 4001 characters; 4000 are the most"),
        ({"reply": "bell \x07"}, r"the reply holds a control character \(U\+0007\)"),
        ({"reply": "escape \x1b[2J"}, r"U\+001B"),
        ({"reply": "nul \0"}, r"U\+0000"),
        ({"reply": "line \u2028 separator"}, r"U\+2028"),
        ({"reply": "lone \ud800"}, r"U\+D800|surrogates"),
        ({"reply": " \n "}, "the reply is empty"),
        ({"reply": "x", "reply_subject": "two\nlines"}, r"the reply's subject holds a control character \(U\+000A\)"),
        ({"reply": "x", "reply_subject": "x" * 201}, "subject has 201 characters"),
        ({"reply": "x", "reply_subject": " "}, "subject has 1 characters"),
        ({"reply_subject": "x"}, "there is none; name reply as well"),
        ({"forward_to": "bo"}, "'bo' is not a mail address"),
        ({"forward_to": 'bo@corp.example"; discard; #'}, "is not a mail address"),
        ({"forward_to": "a@b.example\r\n"}, "is not a mail address"),
        ({"keep_copy": False}, "mail that is neither forwarded nor kept would be lost"),
    ],
)
def test_bad_rules_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MailRules(**fields)


def test_texts_of_every_script_are_taken_as_they_are() -> None:
    text = "Здравствуйте\tдела\r\nΓειά σου\rשלום \u200f می\u200cروم 你好 👩\u200d💻 e\u0301  \n\n"
    rules = MailRules(reply=text)
    assert rules.reply == "Здравствуйте\tдела\nΓειά σου\nשלום \u200f می\u200cروم 你好 👩\u200d💻 e\u0301"
    assert parse(render(Script(reply=rules.reply))).reply == rules.reply


# -- the script --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        Script(),
        Script("bo@corp.example", False),
        Script("bo@corp.example", True, 'a"b\\c\n.\n# no comment\n";stop;', 'S"\\', 'mine "é"\\', True),
        Script(reply='"', subject=None, theirs="line\nbreak"),
        Script(reply="\\"),
    ],
)
def test_a_script_reads_back_as_it_was_written(script: Script) -> None:
    assert parse(render(script)) == script


def test_a_text_cannot_become_a_command() -> None:
    text = render(Script(reply='x";\ndiscard;\n#"'))
    assert text.count('"') - text.count('\\"') == 4, "vacation's string and the name in require, nothing else"


@pytest.mark.parametrize(
    "edited",
    [
        "keep;\n",
        render(Script("bo@corp.example", True)) + "discard;\n",
        render(Script("bo@corp.example", True)).replace(":copy ", ""),
        render(Script(reply="x")).replace(":days 7", ":days 1"),
        render(Script(theirs="a")).replace('"a"', "a"),
    ],
)
def test_a_script_that_was_edited_by_hand_is_no_longer_ours(edited: str) -> None:
    with pytest.raises(ValueError, match=r"form|lines|second"):
        parse(edited)
    server = MadeUp({NAME: edited}, NAME)
    with pytest.raises(RejectedError, match="somebody changed the script 'provisioning' of anna by hand"):
        seen(server)
    assert "store it under another name" in str(applied(server, None, GONE))
    assert server.texts == {NAME: edited}, "nothing is lost"


def test_an_address_that_somebody_slipped_into_our_script_is_not_believed() -> None:
    with pytest.raises(RejectedError, match="it holds what is refused in rules"):
        seen(MadeUp({NAME: render(Script("no address", True))}, NAME))


# -- whose script is active --------------------------------------------------------------------------------------------


def test_rules_are_set_and_taken_back() -> None:
    server = MadeUp()
    assert seen(server) is None
    assert applied(server, None, GONE) is None
    assert (seen(server), server.active) == (GONE, NAME)
    assert applied(server, GONE, None) is None
    assert (server.texts, server.active) == ({}, None)


def test_a_persons_own_script_goes_along_and_is_active_again_afterwards() -> None:
    server = MadeUp({"mine": SORTING, "old": "keep;\n"}, "mine")
    assert applied(server, None, GONE) is None
    assert server.active == NAME
    assert server.texts[NAME].endswith('include :personal :optional "mine";\n')
    again = MailRules(forward_to="cy@corp.example", keep_copy=False, reply=None, reply_subject=None)
    assert applied(server, GONE, again) is None
    assert "include" not in server.texts[NAME], "what is not to be kept must not be filed either"
    assert applied(server, again, None) is None
    assert (server.texts, server.active) == ({"mine": SORTING, "old": "keep;\n"}, "mine")


@pytest.mark.parametrize("word", ["vacation", "reject", "ereject", "include", "discard", "Discard"])
def test_a_script_that_answers_itself_is_only_remembered(word: str) -> None:
    server = MadeUp({"mine": f'{word} "x";\n'}, "mine")
    assert applied(server, None, GONE) is None
    assert "include" not in server.texts[NAME]
    assert applied(server, GONE, None) is None
    assert server.active == "mine"


def test_a_server_without_include_only_remembers() -> None:
    server = MadeUp({"mine": SORTING}, "mine", frozenset({"copy", "vacation"}))
    assert applied(server, None, GONE) is None
    assert "include" not in server.texts[NAME]


def test_a_script_that_is_gone_meanwhile_is_not_missed() -> None:
    server = MadeUp({"mine": SORTING}, "mine")
    applied(server, None, GONE)
    del server.texts["mine"]
    assert applied(server, GONE, None) is None
    assert (server.texts, server.active) == ({}, None)


def test_rules_that_somebody_switched_off_are_seen_and_set_again() -> None:
    server = MadeUp({"mine": SORTING}, "mine")
    applied(server, None, GONE)
    server.active = "mine"
    off = seen(server)
    assert off == MailRules(forward_to=None, keep_copy=True, reply=None, reply_subject=None)
    assert off is not None
    assert applied(server, off, GONE) is None
    assert (seen(server), server.active) == (GONE, NAME)
    assert applied(server, GONE, off) is None, "taken back"
    assert (seen(server), server.active) == (off, "mine")


def test_what_is_not_managed_stays() -> None:
    server = MadeUp()
    applied(server, None, GONE)
    assert applied(server, GONE, MailRules(forward_to="cy@corp.example")) is None
    assert seen(server) == GONE.model_copy(update={"forward_to": "cy@corp.example"})
    assert applied(server, GONE, MailRules(reply=None)) is None
    found = seen(server)
    assert found is not None
    assert (found.forward_to, found.reply, found.reply_subject) == ("cy@corp.example", None, None)


def test_a_half_done_change_is_no_rule_yet() -> None:
    """Killed between storing and activating: the person's script is still active, and the change is done again."""
    server = MadeUp({"mine": SORTING}, "mine")
    applied(server, None, GONE)
    server.active = "mine"
    assert applied(server, None, GONE) is None
    applied(server, GONE, None)
    assert server.active == "mine"


def test_what_the_server_cannot_do_is_said_and_nothing_is_stored() -> None:
    server = MadeUp(extensions=frozenset({"copy"}))
    assert applied(server, None, GONE) == "mail: the mail server's Sieve cannot do vacation; turn it on there"
    assert server.texts == {}


def test_who_has_no_mailbox_has_no_rules_and_gets_none() -> None:
    server = MadeUp()
    assert seen(server) is None
    assert applied(server, None, GONE, "nobody") == "mail: no mailbox of nobody"


# -- proofs ------------------------------------------------------------------------------------------------------------


class Mailboxes:
    """Where messages arrive: address → logins; `replies`: whether somebody answers."""

    def __init__(self, arrives: dict[str, list[str]], replies: bool, check_mailbox: str | None = "checker") -> None:
        self.arrives, self.replies = arrives, replies
        self.inventory = Some(mail=Some(sieve=Some(check_mailbox=check_mailbox), check_sender="check@corp.example"))
        self.inbox: set[tuple[str, str]] = set()

    @contextmanager
    def session(self, target: str) -> Iterator[Any]:
        assert target == "mail"
        yield self

    def send(self, to: str, subject: str, token: str, *, awaits_reply: bool = False) -> None:
        if to not in self.arrives:
            raise RejectedError("mail", f"nobody has {to}")
        self.inbox |= {(login, "X-Provisioning-Check") for login in self.arrives[to]}
        if awaits_reply and self.replies:
            self.inbox.add(("checker", "In-Reply-To"))

    def find(self, login: str, token: str, *, patience: float = 0.0, header: str = "X-Provisioning-Check") -> bool:
        found = (login, header) in self.inbox
        self.inbox.discard((login, header))
        return found


@pytest.mark.parametrize(
    ("arrives", "keep_copy", "passed", "said"),
    [
        (["anna", "bo"], True, True, "arrived in the INBOX of bo, and is kept for anna"),
        (["bo"], False, True, "and is not kept for anna"),
        (["anna"], True, False, "did not reach the INBOX of bo"),
        (["bo"], True, False, "but is not kept for anna"),
        (["anna", "bo"], False, False, "which it should not be"),
        (None, True, False, "nobody has anna@corp.example"),
    ],
)
def test_forwarding_is_proved(arrives: list[str] | None, keep_copy: bool, passed: bool, said: str) -> None:
    boxes = Mailboxes({} if arrives is None else {"anna@corp.example": arrives}, replies=False)
    asked = {"address": "anna@corp.example", "login": "anna", "to": "bo", "keep_copy": keep_copy}
    result = FORWARDING.check(cast(Any, boxes), Proof("mail.forwarding", "mail", "x", asked))
    assert (result.passed, boxes.inbox) == (passed, set()), "and the message is removed everywhere"
    assert said in result.detail


@pytest.mark.parametrize(
    ("replies", "check_mailbox", "passed", "said"),
    [
        (True, "checker", True, "whoever writes to anna@corp.example gets an automatic reply"),
        (False, "checker", False, "whether mail to check+anything@corp.example is delivered to checker"),
        (True, None, False, "the site names no mailbox for replies"),
    ],
)
def test_an_automatic_reply_is_proved(replies: bool, check_mailbox: str | None, passed: bool, said: str) -> None:
    boxes = Mailboxes({"anna@corp.example": ["anna"]}, replies, check_mailbox)
    asked = {"address": "anna@corp.example", "kept_in": ["anna"]}
    result = REPLY.check(cast(Any, boxes), Proof("mail.reply", "mail", "x", asked))
    assert (result.passed, boxes.inbox) == (passed, set())
    assert said in result.detail


def test_a_server_that_is_gone_stops_the_batch() -> None:
    class Gone(MadeUp):
        @contextmanager
        def sieve(self, login: str) -> Iterator[MadeUp]:
            raise UnreachableError("mail", "gone")
            yield self

    with pytest.raises(UnreachableError):
        applied(Gone(), None, GONE)
