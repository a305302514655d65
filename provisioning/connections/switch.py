"""Access switches: one signed-in session a switch, lines in one write, an answer to every line.

A session raises our own errors only: :class:`UnreachableError`, :class:`TrustError`,
:class:`CredentialError`, :class:`RejectedError`. How a family of devices talks (prompts, rejections, how
to save) is the ``manner`` of its dialect; what is said about ports is the business of ``resources/switch``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from provisioning.connections import shell
from provisioning.connections.switch_batch import Ahead
from provisioning.connections.switch_commands import Commands
from provisioning.connections.switch_one_try import one_try
from provisioning.connections.switch_sign_in import sign_in
from provisioning.connections.switch_talk import Rejection, Sent, Talk
from provisioning.connections.terminal import Answer, Terminal
from provisioning.dialects import load
from provisioning.errors import CredentialError, RejectedError, TargetError, UnreachableError
from provisioning.secrets import Secrets
from provisioning.site import Inventory
from provisioning.site.inventory import unknown
from provisioning.site.network import Switch

__all__ = ["Rejection", "Sent", "SwitchSession", "open_session"]

_PREPARED: set[str] = set()

GUARD_NAME = "provisioning"
"""What a guarded change is called on devices that want a name. One is enough: nobody else is at work on the switch."""


class SwitchSession:
    """One signed-in session on one switch, in privileged mode. `name` is the switch's name in the site."""

    def __init__(self, target: str, inventory: Inventory, secrets: Secrets) -> None:
        self.target = target
        self.inventory = inventory
        self.secrets = secrets
        self.name = target.partition(":")[2]
        if self.name not in inventory.network.switches:
            unknown("switch", self.name, inventory.network.switches)
        self.switch: Switch = inventory.network.switches[self.name]
        self.dialect = load(self.switch.dialect)
        self.manner = self.dialect.manner
        self._patience = self.manner.patience
        self._ahead: Ahead | None = None
        self._open()

    @property
    def patience(self) -> float:
        """Seconds of silence that the switch may take before it counts as lost."""
        return self._patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._patience = self._talk.patience = seconds

    @property
    def our_address(self) -> str:
        """The address from which the switch sees this session come."""
        transport: Any = self._client.get_transport()
        return str(transport.sock.getsockname()[0]) if transport is not None else ""

    def show(self, command: str) -> str:
        """The output of one ``show`` command (an output filter is allowed). Raises :class:`RejectedError`."""
        return self.show_all([command])[0]

    def show_all(self, commands: Sequence[str], optional: Collection[str] = ()) -> list[str]:
        """The outputs of several ``show`` commands, asked in one write. A refused one raises :class:`RejectedError`,
        unless it is `optional`: its output is empty then."""
        for command in commands:
            self._check(command.replace("|", " "))
        answers = self._asked(commands) if self._ahead is None else self._ahead.answers(commands, self._asked)
        for answer in answers:
            if answer.refusal and answer.line not in optional:
                raise RejectedError(
                    self.target,
                    f"refused the command {answer.line!r} ({answer.refusal}); the account may lack the right to it",
                )
        return ["" if answer.refusal else answer.text for answer in answers]

    @contextmanager
    def batch(self, questions: Sequence[str], again: Sequence[str]) -> Iterator[None]:
        """Within the block, one batch of changes: the first ``show`` brings the answers to all `questions` in the same
        round trip, and :meth:`save` those to `again`. They stand for what is asked for afterwards, until something is
        sent (see :class:`Ahead`)."""
        self._ahead = Ahead(questions, again)
        try:
            yield
        finally:
            self._ahead = None

    def _asked(self, commands: Sequence[str]) -> list[Answer]:
        self._reopen_if_idle_too_long()
        return self._talk.exchange(commands, "show", len(commands))

    def send(self, lines: Sequence[str], show: Sequence[str] = (), *, guarded: bool = False) -> Sent:
        """Send `lines` in configuration mode and then the commands in `show`, all in one write.

        Lines may enter configuration mode again to be sure of it; that a device already in it refuses that is no
        fault. A `guarded` change is taken back by the device itself unless :meth:`confirm` follows.

        A line that would mean something else to the device (line breaks, ``?``, ``|``, anything but printable ASCII)
        raises :class:`RejectedError` before anything is sent. A device that does not let us into configuration mode
        does nothing with the lines: the first that leads out of a port signs us out. That is :class:`UnreachableError`
        when somebody else is at work there, else :class:`RejectedError`.
        """
        for line in (*lines, *(command.replace("|", " ") for command in show)):
            self._check(line)
        before, configure, leave = self._frame(guarded)
        head = [*before, *configure]
        whole = [*head, *lines, *leave]
        self._before_sending()
        try:
            answers = self._talk.exchange([*whole, *show], "configuration", len(show))
        except UnreachableError as exc:
            raise self._explained(exc, head) from exc
        rejections = []
        for number, answer in enumerate(answers[: len(whole)]):
            again = number >= len(head) and answer.line in {self.manner.configure, *configure}
            if answer.refusal and number < len(head) and self._is_busy(answer):
                raise self._kept_out(answer)
            if answer.refusal and not again:
                index = number - len(head)
                rejections.append(Rejection(index if index < len(lines) else -1, answer.line.strip(), answer.refusal))
        return Sent(tuple(rejections), tuple(answer.text for answer in answers[len(whole) :]))

    def configure(self, lines: Sequence[str]) -> None:
        """:meth:`send`, but a refused line raises :class:`RejectedError` that names it. The other lines did
        take effect."""
        sent = self.send(lines)
        if sent.rejections:
            first = sent.rejections[0]
            raise RejectedError(self.target, f"rejected the line {first.line!r} ({first.answer})")

    def confirm(self) -> str:
        """Keep a guarded change. Without one it does nothing. The device's words if it refuses: as a rule there is
        none any more, because it was taken back or kept by somebody else."""
        return self._guard_lines(self.dialect.guard.confirm if self.dialect.guard else ())

    def revert(self) -> str:
        """Take a guarded change back at once. The device's words if it refuses."""
        return self._guard_lines(self.dialect.guard.revert if self.dialect.guard else ())

    def save(self) -> None:
        """Make the running configuration survive a restart. Devices that keep it anyway are told nothing."""
        if not self.manner.save:
            return
        self._before_sending()
        again = () if self._ahead is None else self._ahead.again
        for _ in range(2):  # a log message in the middle of it breaks the confirmation
            answers = self._talk.exchange([*self.manner.save, *again], "saving", len(again))
            saving = answers[: len(self.manner.save)]
            said = "\n".join(answer.text for answer in saving)
            refused = any(answer.refusal for answer in saving)
            if not refused and (self.manner.saved is None or self.manner.saved.search(said)):
                if self._ahead is not None:
                    self._ahead.learn(answers[len(saving) :])
                return
        raise RejectedError(
            self.target,
            f"did not confirm {self.manner.save[-1]!r}; its running configuration is not saved",
        )

    def close(self) -> None:
        """Sign out."""
        self._hang_up()

    # -- opening -----------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._prepare()
        with one_try(self.target, self.switch, self.secrets):
            self._sign_in()

    def _prepare(self) -> None:
        """What the first batch on such a device needs is made while the first one signs in, which takes nine round
        trips."""
        if self.switch.dialect not in _PREPARED:
            _PREPARED.add(self.switch.dialect)
            threading.Thread(target=self.dialect.prepare, name="templates", daemon=True).start()

    def _sign_in(self) -> None:
        where, switch = str(self.switch.ssh.connect_to), self.switch
        self._client: Any
        self._talk: Talk
        self._hang_up: Callable[[], object]
        if self.manner.style == "exec":
            self._client = shell.sign_in(self.target, switch.ssh, switch.credential, switch.known_hosts, self.secrets)
            self._hang_up = self._client.close
            self._talk = Commands(self._client, self.manner, self.target, where)
            self._talk.patience = self._patience
            return
        connection = sign_in(self.target, switch, self.secrets)
        self._client, self._hang_up = connection.remote_conn_pre, connection.disconnect
        try:
            self._talk = self._terminal(connection.remote_conn, where)
        except BaseException:
            self.close()
            raise

    def _terminal(self, channel: Any, where: str) -> Terminal:
        terminal = Terminal(channel, self.manner, self.target, where)
        terminal.patience = self._patience
        if terminal.begin() not in self.manner.privileged:
            self._enable(terminal)
        terminal.first = self.manner.prepare
        return terminal

    def _enable(self, terminal: Terminal) -> None:
        reference = self.switch.enable or self.switch.credential.password
        if not terminal.enable(self.secrets.resolve(reference).get_secret_value()):
            raise CredentialError(
                self.target,
                f"user {self.switch.credential.user!r} signs in but gets no privileged mode ({reference} was refused); "
                "give the account privilege level 15, or the switch its `enable` password in the site",
            )

    def _before_sending(self) -> None:
        self._reopen_if_idle_too_long()
        if self._ahead is not None:
            self._ahead.forget()

    def _reopen_if_idle_too_long(self) -> None:
        # A switch closes sessions that say nothing for ten minutes (exec-timeout); nothing is under way here.
        if self._talk.closed:
            self.close()
            self._open()

    # -- lines -------------------------------------------------------------------------------------------

    def _frame(self, guarded: bool) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """What is typed before the lines, to enter configuration mode, and after them."""
        guard = self.dialect.guard if guarded else None
        configure = self.manner.configure if guard is None or guard.configure is None else guard.configure
        leave = self.manner.leave if guard is None or guard.leave is None else guard.leave
        before = () if guard is None else guard.before
        return (
            self._named(before),
            self._named([configure] if configure else ()),
            self._named(leave),
        )

    def _named(self, lines: Sequence[str]) -> list[str]:
        minutes = str(self.dialect.guard.minutes) if self.dialect.guard else ""
        return [line.replace("{name}", GUARD_NAME).replace("{minutes}", minutes) for line in lines]

    def _guard_lines(self, lines: Sequence[str]) -> str:
        if not lines:
            return ""
        self._before_sending()
        answers = self._talk.exchange(self._named(lines), "the safety net")
        return next((answer.refusal for answer in answers if answer.refusal), "")

    def _explained(self, lost: UnreachableError, head: Sequence[str]) -> TargetError:
        """What the device refused before it closed the session says more than that it did."""
        refused = next((answer for answer in self._talk.answered if answer.refusal), None)
        if refused is None:
            return lost
        if refused.line in head:
            return self._kept_out(refused)
        return UnreachableError(
            self.target,
            f"{lost.message} (the first line that it refused before was {refused.line!r}: {refused.refusal})",
        )

    def _is_busy(self, answer: Answer) -> bool:
        return self.manner.busy is not None and bool(self.manner.busy.search(answer.refusal))

    def _kept_out(self, answer: Answer) -> TargetError:
        said = f"{answer.line!r} ({answer.refusal}); nothing was changed"
        if self._is_busy(answer):
            return UnreachableError(self.target, f"somebody else is at work there: it refused {said}, try again later")
        return RejectedError(self.target, f"rejected the line {said}; the account may lack the right to it")

    def _check(self, line: str) -> None:
        printable = line.isascii() and line.isprintable() and 0 < len(line) <= self.manner.longest
        if not printable or self.manner.forbidden.search(line):
            raise RejectedError(
                self.target,
                f"the line {line!r} was not sent: it holds a character that the device would not take "
                "as text; correct the site",
            )


def open_session(target: str, inventory: Inventory, secrets: Secrets) -> SwitchSession:
    """Open a session on ``switch:NAME``."""
    return SwitchSession(target, inventory, secrets)
