"""``mail.rules``: where somebody's mail goes besides the mailbox, and what senders are told.

Target ``mail``, key the login. The rules are one Sieve script of ours on the mail server (see :mod:`.sieve_script`); a
script that the person made is never changed: while ours is active theirs is remembered in it, and it is active again
when ours goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import AfterValidator, ValidationError, model_validator

from provisioning.connections.managesieve import NobodyError
from provisioning.errors import ProvisioningError, RejectedError, UnreachableError
from provisioning.resources.base import Change, Outcome, State
from provisioning.resources.mail.sieve_script import NAME, Script, needed, parse, render

if TYPE_CHECKING:
    from provisioning.connections.mail import MailSession
    from provisioning.connections.managesieve import ManageSieve

LONGEST_REPLY, LONGEST_SUBJECT = 4_000, 200
"""Characters."""

_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_OWN_WAYS = re.compile(r"\b(vacation|e?reject|include|discard)\b", re.IGNORECASE)
"""What a person's own script may do that contradicts ours."""


def _address(value: str | None) -> str | None:
    if value is not None and not _ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not a mail address that mail can be forwarded to, such as anna@corp.example")
    return value


def _reply(value: str | None) -> str | None:
    """Lines end with \\n alone, and nothing stands at the end."""
    if value is None:
        return None
    text = value.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    if not text:
        raise ValueError("the reply is empty; leave it out, or say what senders are to be told")
    if len(text) > LONGEST_REPLY:
        raise ValueError(f"the reply has {len(text)} characters; {LONGEST_REPLY} are the most")
    _printable("the reply", text.replace("\n", "").replace("\t", ""))
    return text


def _subject(value: str | None) -> str | None:
    if value is None:
        return None
    if not value.strip() or len(value) > LONGEST_SUBJECT:
        raise ValueError(f"the reply's subject has {len(value)} characters; 1 to {LONGEST_SUBJECT} are expected")
    _printable("the reply's subject", value)
    return value.strip()


def _printable(what: str, text: str) -> None:
    """Format characters (Cf: the marks and joiners of Arabic, Hebrew, Persian …) belong to texts; controls, line
    separators, lone surrogates and what is no character do not."""
    bad = next((char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}), None)
    if bad is not None:
        raise ValueError(f"{what} holds a control character (U+{ord(bad):04X}); take it out")


class MailRules(State):
    """`forward_to` is one mail address; with `keep_copy` the mail stays in the mailbox as well. `reply` is the text of
    the automatic reply in any language, with the subject `reply_subject` (left out: the mail server's own). Rules that
    neither forward nor reply do nothing: that is how a script of ours that is not active reads."""

    ignore_case: ClassVar[frozenset[str]] = frozenset({"forward_to"})

    forward_to: Annotated[str | None, AfterValidator(_address)] = None
    keep_copy: bool = True
    reply: Annotated[str | None, AfterValidator(_reply)] = None
    reply_subject: Annotated[str | None, AfterValidator(_subject)] = None

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.forward_to is None and not self.keep_copy:
            raise ValueError("mail that is neither forwarded nor kept would be lost; name forward_to, or keep a copy")
        if self.reply is None and self.reply_subject is not None:
            raise ValueError("reply_subject is the subject of a reply, and there is none; name reply as well")
        return self

    @property
    def does_nothing(self) -> bool:
        """Whether mail goes its usual way."""
        return self.forward_to is None and self.reply is None


class RulesKind:
    """``mail.rules``; absent: no script of ours."""

    name = "mail.rules"
    state = MailRules

    def read(self, session: MailSession, keys: Sequence[str]) -> dict[str, MailRules]:
        """One sign-in a login. Who has no mailbox has no rules."""
        found = {}
        for key in keys:
            try:
                with session.sieve(key) as scripts:
                    there = scripts.scripts()
                    if NAME in there:
                        script = _ours(session, key, scripts)
                        found[key] = _state(script) if there[NAME] else _state(Script())
            except NobodyError:
                continue
        return found

    def apply(self, session: MailSession, changes: Sequence[Change[MailRules]]) -> list[Outcome]:
        """One sign-in a login."""
        outcomes = []
        for change in changes:
            error: ProvisioningError | None = None
            try:
                with session.sieve(change.key) as scripts:
                    _apply(session, change, scripts)
            except UnreachableError:
                raise
            except ProvisioningError as exc:
                error = exc
            outcomes.append(Outcome(change.key, error))
        return outcomes


def _apply(session: MailSession, change: Change[MailRules], scripts: ManageSieve) -> None:
    there = scripts.scripts()
    active = next((name for name, is_active in there.items() if is_active), None)
    ours = _ours(session, change.key, scripts) if NAME in there else None
    theirs = active if active not in {None, NAME} else ours.theirs if ours is not None else None
    if theirs not in there:  # the person deleted it meanwhile
        theirs = None
    after = None if change.after is None else _whole(change.after, ours if active == NAME else None)
    if after is None or after.does_nothing:
        if active == NAME:
            scripts.activate(theirs)
        if after is None and ours is not None:
            scripts.delete(NAME)
        elif after is not None:
            scripts.put(NAME, render(Script(theirs=theirs)))
        return
    script = Script(after.forward_to, after.keep_copy, after.reply, after.reply_subject, theirs)
    if theirs is not None and _goes_along(after, scripts.get(theirs)) and "include" in scripts.extensions:
        script = script.including()
    if missing := needed(script) - scripts.extensions:
        raise RejectedError(
            session.target, f"the mail server's Sieve cannot do {', '.join(sorted(missing))}; turn it on there"
        )
    scripts.put(NAME, render(script))
    scripts.activate(NAME)


def _whole(wanted: MailRules, ours: Script | None) -> MailRules:
    """What is asked for, and what else our script does already."""
    fields = {name: getattr(wanted, name) for name in wanted.managed()}
    if ours is not None:
        fields = {**_state(ours).model_dump(), **fields}
    if fields.get("reply") is None:
        fields["reply_subject"] = None
    if fields.get("forward_to") is None:
        fields["keep_copy"] = True
    return MailRules(**fields)


def _goes_along(rules: MailRules, theirs: str) -> bool:
    """Whether a person's own script (which files mail into folders) can be carried out with ours: not where nothing is
    to be kept, and not where it may answer or throw away mail itself."""
    return rules.keep_copy and not _OWN_WAYS.search(theirs)


def _ours(session: MailSession, login: str, scripts: ManageSieve) -> Script:
    try:
        script = parse(scripts.get(NAME))
        _state(script)
    except ValueError as exc:  # pydantic's is one as well
        why = "it holds what is refused in rules" if isinstance(exc, ValidationError) else str(exc)
        raise RejectedError(
            session.target,
            f"somebody changed the script {NAME!r} of {login} by hand ({why}); store it under another name and delete "
            f"{NAME!r}, then plan again",
        ) from None
    return script


def _state(script: Script) -> MailRules:
    return MailRules(
        forward_to=script.forward_to,
        keep_copy=script.keep_copy,
        reply=script.reply,
        reply_subject=script.subject,
    )


RULES = RulesKind()
