"""ansible-playbook as a child of this process, through ansible-runner.

No secret is written to a file. Command and environment of the child are in a file in memory (memfd_create) that only
this user's processes can read (``/proc/PID/fd``); variables and the vault password go through named pipes, each once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from provisioning.api import playbook_child
from provisioning.api.playbook_family import Family
from provisioning.api.playbook_folder import private_folder
from provisioning.api.playbook_secrecy import handed_over, in_memory
from provisioning.errors import RequestError

_LOOK_SECONDS = 0.2
"""How often it is looked whether to stop. What the child says is read at once."""

_GRACE_SECONDS = 5.0
"""How long Ansible may take to clear up, once it was interrupted."""

_LARGEST_RESULT = "50000000"
"""Characters. ansible-runner empties results that are larger than 700,000, unless told otherwise."""

Heard = Callable[[Mapping[str, Any]], None]


@dataclass
class PlaybookProcess:
    """One run of ansible-playbook. `arguments` are its own, the playbook last, once it is known in which folder `files`
    (name → text) are; `variables` is YAML text with all extra variables; `heard` gets ansible-runner's events, one at a
    time, in the thread of :meth:`run`; `must_stop` says 1 once no task shall be begun any more, 2 when tasks under way
    shall not be waited for either; after `timeout` seconds they are not either.
    """

    arguments: Callable[[Path], Sequence[str]]
    environment: Mapping[str, str]
    heard: Heard
    must_stop: Callable[[], int]
    files: Mapping[str, str] = field(default_factory=dict)
    variables: str = ""
    vault_password: str | None = None
    timeout: float | None = None
    timed_out: bool = field(default=False, init=False)
    _asked: int = field(default=0, init=False)
    _asked_at: float = field(default=0.0, init=False)
    _child: Family | None = field(default=None, init=False)
    _gate: int = field(default=-1, init=False)
    _begun: float = field(default=0.0, init=False)
    _fault: BaseException | None = field(default=None, init=False)

    def run(self) -> int:
        """The exit code of ansible-playbook. May be called once, in any thread.

        Raises :class:`RequestError` when ansible-runner is not installed, and whatever `heard` raises: the playbook is
        ended then.
        """
        runner, configuration = _ansible_runner()
        with ExitStack() as stack:
            folder = stack.enter_context(private_folder())
            config = configuration(
                private_data_dir=str(folder), playbook="-", quiet=True, json_mode=True, suppress_env_files=True,
                suppress_output_file=True, fact_cache_type="memory",
            )  # fmt: skip
            config.prepare()
            config.suppress_output_file, config.suppress_ansible_output = True, True
            config.pexpect_timeout = _LOOK_SECONDS
            config.cwd = str(Path.cwd())
            environment = self._environment(config.env)
            # Both of them are written to a file: the child gets the true ones from memory.
            config.env = {"PATH": environment.get("PATH", os.defpath)}
            config.command = self._command(stack, folder, environment)
            self._begun = time.monotonic()
            try:
                _, code = runner(config, event_handler=self._hear, cancel_callback=self._look).run()
            except BaseException:
                self._kill()
                raise
            finally:
                if self._child is not None:
                    self._child.close()
        if self._fault is not None:
            raise self._fault
        return 1 if code is None else int(code)

    def begin(self) -> None:
        """Let the playbook begin: it waits for that before its first task."""
        os.write(self._gate, b"1")

    # -------------------------------------------------------------------------------------------------- the start

    def _environment(self, prepared: Mapping[str, str]) -> dict[str, str]:
        """What the child gets: the caller's environment, and of what ansible-runner adds to it what carries events."""
        carried = ("AWX_ISOLATED_DATA_DIR", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_CALLBACK_PLUGINS")
        environment = {**self.environment, **{name: prepared[name] for name in carried}}
        ours = Path(playbook_child.__file__).parent / "playbook_callbacks"
        environment["ANSIBLE_CALLBACK_PLUGINS"] = f"{ours}:{environment['ANSIBLE_CALLBACK_PLUGINS']}"
        environment |= {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_RETRY_FILES_ENABLED": "0", "MAX_EVENT_RES": _LARGEST_RESULT}
        environment.pop("ANSIBLE_FORCE_COLOR", None)
        return environment

    def _command(self, stack: ExitStack, folder: Path, environment: Mapping[str, str]) -> list[str]:
        words = [sys.executable, "-P", "-m", "ansible", "playbook"]
        if self.variables:
            words.append(f"--extra-vars=@{stack.enter_context(handed_over(folder / 'variables', self.variables))}")
        if self.vault_password is not None:
            pipe = stack.enter_context(handed_over(folder / "vault-password", self.vault_password))
            words.append(f"--vault-password-file={pipe}")
        theirs, self._gate = os.pipe()
        for end in (theirs, self._gate):
            stack.callback(os.close, end)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        words += self.arguments(folder)
        start = {"command": words, "environment": dict(environment), "gate": theirs}
        number = in_memory(stack, json.dumps(start))
        return [sys.executable, "-I", "-S", playbook_child.__file__, str(os.getpid()), str(number)]

    # ------------------------------------------------------------------------------------------- while it is running

    def _hear(self, event: Mapping[str, Any]) -> bool:
        """``False``: the event is not to be written to a file."""
        if self._child is None and "pid" in event:
            with suppress(ProcessLookupError):
                self._child = Family(int(event["pid"]))
        if self._fault is None:
            try:
                self.heard(event)
            except BaseException as exc:  # raised by run: ansible-runner would lose the child
                self._fault = exc
        return False

    def _look(self) -> bool:
        """Called every now and then; ``True``: kill it."""
        now = time.monotonic()
        wanted = 2 if self._fault is not None else self.must_stop()
        if self.timeout is not None and now - self._begun > self.timeout:
            self.timed_out, wanted = True, 2
        if wanted > self._asked:
            self._asked, self._asked_at = wanted, now
            if wanted == 1:
                os.write(self._gate, b"1")
            elif self._child is not None:
                self._child.interrupt()
        if wanted and self._child is None:
            return True  # nothing has begun
        if wanted < 2 or now - self._asked_at < _GRACE_SECONDS:
            return False
        self._kill()
        return True

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()


def _ansible_runner() -> tuple[Any, Any]:
    try:
        import_module("ansible")
        found = import_module("ansible_runner")
    except ModuleNotFoundError as exc:
        raise RequestError(
            f"playbooks need {exc.name}, which is not installed; `pip install 'provisioning[ansible]'` brings it"
        ) from exc
    return found.Runner, found.RunnerConfig
