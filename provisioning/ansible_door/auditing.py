"""The module that compares the site with reality, and sets right what can be."""

from __future__ import annotations

from provisioning.ansible_door.definition import Definition, Result, Task
from provisioning.ansible_door.fulfilling import RETURNS, WAITING, carry_out, unchanged
from provisioning.ansible_door.naming import listed, option, person, texts
from provisioning.api.auditing import AuditReport
from provisioning.procedures.audit import AREAS


def audit_task(task: Task) -> Result:
    """``workplace.provisioning.audit``."""
    site, given = task.site, task.given
    with site.kept_open():
        report = site.audit(*(person(site, name) for name in texts(given, "names")), areas=texts(given, "areas"))
        done = unchanged("") | _told(report)
        if given.get("repair") and report.repair is not None:
            done |= carry_out(task, site.plan(report.repair))
    return done | _verdict(task, report, done)


def _told(report: AuditReport) -> Result:
    plain = report.to_document()
    unread = [f"{one['what']} could not be judged: {one['reason']}" for one in plain["unread"]]
    return {
        "findings": plain["findings"],
        "drift": not report.is_clean,
        "whole": report.is_whole,
        "counts": plain["counts"],
        "notes": plain["notes"],
        "warnings": unread,
    }


def _verdict(task: Task, report: AuditReport, done: Result) -> Result:
    """The findings' sentences, and whether they fail the task; after a repair, of what it could not set right."""
    repaired = bool(task.given.get("repair")) and not task.check and not done.get("failed") and "waiting" not in done
    left = [
        one for one in report.findings if one.severity != "remark" and not (repaired and one.address is not None)
    ]  # fmt: skip
    if done.get("failed"):
        return {}
    said = [f"{one.sentence}{f' ({one.repair})' if one.repair else ''}" for one in left]
    if said and task.given.get("fail_on_drift"):
        return {"failed": True, "msg": "\n".join(said)}
    return {} if "msg" in done else {"msg": "\n".join(said) or "nothing was found that somebody should look at"}


MODULES: dict[str, Definition] = {
    "audit": Definition(
        "audit",
        "compare the site with reality: accounts, ports, PCs, licences, equipment, telephones, folders, records",
        (
            "Changes nothing without O(repair), and fails for what it found only with O(fail_on_drift). What could not "
            "be read is named among the warnings, and RV(whole) is false then.",
        ),
        {
            "names": listed("People, PCs, workplaces, equipment or switches: only what is about them."),
            "areas": listed("Only these areas.", choices=list(AREAS)),
            "repair": option(
                "bool", "Whether what drifted is made as the site says, as far as a program can. What only a person "
                "can decide is left alone.", default=False,
            ),
            "fail_on_drift": option("bool", "Whether findings (but remarks) fail the task.", default=False),
        } | WAITING,
        """
- name: Look at one desk
  workplace.provisioning.audit:
    names: [B-204-3]
    areas: [ports, directory]
  register: looked

- name: Say what drifted
  ansible.builtin.debug:
    msg: "{{ looked.findings | map(attribute='sentence') }}"
  when: looked.drift
""",
        audit_task,
        RETURNS | {
            "findings": option(
                "list", "Worst first: C(area), C(sort), C(subject), C(severity), C(sentence), C(expected), C(found), "
                "C(repair), C(repairable).", elements="dict", returned="success",
            ),
            "drift": option("bool", "Whether something was found that somebody should look at.", returned="success"),
            "whole": option("bool", "Whether everything could be judged.", returned="success"),
            "counts": option("dict", "Area → severity → how many.", returned="success"),
            "notes": listed("What else is worth knowing.", returned="success"),
        },
    )
}  # fmt: skip
