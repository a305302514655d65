"""What ansible-runner tells, as our events: whatever is in it."""

from __future__ import annotations

from typing import Any

from provisioning.api.playbook_events import LONGEST, Tally
from provisioning.engine.events import Event, PlaybookWarned, TaskSettled, TaskStarted

HOSTILE = "evil\x1b]0;owned\x07\x9b31m\x1b[2Jred\u202eneve\r"


def told(tally: Tally, *raw: dict[str, Any]) -> list[Event]:
    return [event for one in raw for event in tally.take(one)]


def result(kind: str, host: str = "one", task: str = "Do", action: str = "ansible.builtin.copy", **res: Any) -> Any:
    beside = {name: res.pop(name) for name in ("ignore_errors",) if name in res}
    return {
        "event": f"runner_on_{kind}",
        "event_data": {"host": host, "task": task, "task_action": action, "res": res, **beside},
    }


def stats(**counts: dict[str, int]) -> dict[str, Any]:
    hosts = {host: 1 for found in counts.values() for host in found}
    return {"event": "playbook_on_stats", "event_data": {**counts, "processed": hosts}}


def test_outcomes_are_counted_host_by_host() -> None:
    tally = Tally()
    events = told(
        tally,
        {"event": "playbook_on_start", "event_data": {}},
        {"event": "playbook_on_task_start", "event_data": {"play": "All", "task": "Do"}},
        result("ok"),
        result("ok", changed=True),
        result("skipped"),
        result("failed", ignore_errors=True, msg="no matter"),
        result("failed", "two", msg="out of cards"),
        result("unreachable", "three", msg="nobody answers"),
    )
    assert events[0] == TaskStarted("All", "Do")
    outcomes = [event.outcome for event in events if isinstance(event, TaskSettled)]
    assert outcomes == ["ok", "changed", "skipped", "ignored", "failed", "unreachable"]
    assert tally.started
    assert not tally.has_ended
    assert tally.hosts["one"].sentence == "3 ok, 1 changed, 1 skipped, 1 ignored"
    assert tally.hosts["one"].passed
    assert tally.hosts["two"].sentence == "1 failed: Do: out of cards"
    assert not tally.hosts["two"].passed
    assert tally.hosts["three"].problems == ("Do: nobody answers",)


def test_ansible_counts_what_was_rescued() -> None:
    tally = Tally()
    told(tally, result("failed", msg="first try"), stats(ok={"one": 1}, rescued={"one": 1}, failures={}))
    assert tally.has_ended
    assert tally.hosts["one"].passed
    assert tally.hosts["one"].sentence == "1 ok, 1 rescued"


def test_only_our_modules_name_runs() -> None:
    tally = Tally()
    items = [{"run": 5, "ansible_loop_var": "item"}, {"run": True, "ansible_loop_var": "item"}]
    told(
        tally,
        result("ok", action="workplace.provisioning.domain_user", run=4, changed=True),
        result("failed", action="workplace.provisioning.mailbox", results=items, msg="one item failed"),
        result("ok", action="ansible.builtin.set_fact", run=666),
        result("ok", action="workplace.provisioning.mailbox", run="7; rm"),
    )
    assert tally.hosts["one"].runs == (4, 5)


def test_hostile_text_cannot_reach_a_terminal() -> None:
    (event,) = told(Tally(), result("failed", HOSTILE, HOSTILE, msg=f"{HOSTILE}\nError: forged"))
    assert isinstance(event, TaskSettled)
    for text in (event.host, event.task, event.detail.replace("\n", "")):
        assert text.isprintable(), repr(text)
        assert "owned" not in text
    assert event.detail.splitlines()[1] == "Error: forged"


def test_long_texts_are_cut() -> None:
    (event,) = told(Tally(), result("failed", msg="x" * 1_000_000))
    assert isinstance(event, TaskSettled)
    assert len(event.detail) == LONGEST + 1


def test_known_secrets_are_masked_everywhere() -> None:
    tally = Tally(["Kanarienvogel-1", "abc"])
    events = told(
        tally,
        {"event": "runner_on_file_diff", "event_data": {"host": "one"}, "stdout": "+ Kanarienvogel-1"},
        result("failed", task="Kanarienvogel-1", msg={"password": "Kanarienvogel-1", "abc": 1}),
        {"event": "verbose", "stdout": "[WARNING]: Kanarienvogel-1 is weak"},
    )
    assert "Kanarienvogel" not in repr(events) + repr(tally.hosts) + tally.complaint + repr(tally.warnings)
    assert "abc" in repr(events), "a secret of three letters would mask half of the language"


def test_results_that_must_not_be_logged_say_so() -> None:
    (event,) = told(Tally(), result("failed", censored="the output has been hidden"))
    assert isinstance(event, TaskSettled)
    assert event.detail == "the result is hidden (no_log)"


def test_debug_says_its_message_also_in_a_loop() -> None:
    once = result("ok", _ansible_verbose_always=True, msg="hello", changed=False)
    variable = result("ok", _ansible_verbose_always=True, found={"a": 1}, changed=False)
    items = [{"ansible_loop_var": "item", "_ansible_verbose_always": True, "msg": n} for n in (1, 2)]
    loop = result("ok", results=items)
    lines = result("ok", _ansible_verbose_always=True, msg=["first", "second"])
    details = [event.detail for event in told(Tally(), once, variable, loop, lines) if isinstance(event, TaskSettled)]
    assert details == ["hello", "found:\n  a: 1", "1\n2", "first\nsecond"]


def test_failed_items_of_a_loop_say_why() -> None:
    items = [
        {"ansible_loop_var": "item", "msg": "fine"},
        {"ansible_loop_var": "item", "failed": True, "msg": "the second one is bad"},
    ]
    (event,) = told(Tally(), result("failed", msg="One or more items failed", results=items))
    assert isinstance(event, TaskSettled)
    assert event.detail == "the second one is bad"


def test_warnings_are_told_once_and_other_lines_kept_for_the_end() -> None:
    tally = Tally()
    warning = {"event": "verbose", "stdout": "[WARNING]: Could not match supplied host pattern, ignoring: nix"}
    said = [{"event": "verbose", "stdout": text} for text in ("[ERROR]: YAML parsing failed", "Origin: x.yml:3:1", "")]
    assert told(tally, warning, warning, *said) == [
        PlaybookWarned("Could not match supplied host pattern, ignoring: nix")
    ]
    assert tally.complaint == "YAML parsing failed\nOrigin: x.yml:3:1"


def test_events_that_nobody_knows_are_left_alone() -> None:
    tally = Tally()
    strange: list[dict[str, Any]] = [
        {}, {"event": None}, {"event": "runner_on_teleport", "event_data": {"host": "one"}},
        {"event": "playbook_on_stats", "event_data": "no mapping"}, {"event": "verbose", "stdout": None},
        {"event": "EOF"}, {"event": "playbook_on_task_start"},
    ]  # fmt: skip
    assert told(tally, *strange) == [TaskStarted("", "")]
    assert told(tally, {"event": "runner_on_ok", "event_data": {"host": "one", "res": ["no mapping"]}})
    assert tally.hosts["one"].ok == 1
