"""Modules for joiners and leavers, and for people who are called or do something else: their options and examples."""

from __future__ import annotations

from provisioning.ansible_door import people_requests
from provisioning.ansible_door.definition import Definition
from provisioning.ansible_door.fulfilling import RETURNS, START, WAITING
from provisioning.ansible_door.naming import listed, option

_PERSON = "The person: employee number, login or whole name. The number is best, since names change."

_ONBOARD_RETURNS = {
    "people": option(
        "list",
        "Each person: C(person), C(login), C(principal), C(mail), C(desk), C(workstation), C(extension), "
        "C(telephone), and C(handover), the file in which the initial password waits (never the password). Of one "
        "person, these are values of the result as well (RV(login), RV(desk) and so on).",
        elements="dict", returned="when nothing failed and nobody has to approve it",
    ),
}  # fmt: skip
_OFFBOARD_RETURNS = {
    "to_return": option(
        "list", "What the leaver has to return, as the ledger knows it.", elements="dict", returned="success"
    ),
}

MODULES: dict[str, Definition] = {
    one.name: one
    for one in (
        Definition(
            "onboard",
            "give new colleagues their account, mail, desk port, PC and software",
            (
                "All that C(provision onboard) does: account, groups, mailbox, home folder, telephone, switch port, "
                "DHCP reservation, the PC's settings and software; then the proofs (signs in, gets mail, is in the "
                "right VLAN …).",
                "Somebody who is as they should be is left alone, so that the task may run every night.",
            ),
            {
                "persons": listed(
                    "Keys of the site's people (employee numbers), or whole names.", required=True
                ),
                "desk": option("str", "The workplace, instead of the one that the site says. For one person only."),
                "software": listed("Optional packages beside the profile's (the profile must offer them)."),
                "allow_downgrade": option(
                    "bool", "Whether packages that are newer on the PC than in the catalogue are replaced.",
                    default=False,
                ),
            } | START | WAITING,
            """
- name: Everything that Anna needs on her first day
  workplace.provisioning.onboard:
    persons: [E1042]
  register: anna

- name: Say where she sits
  ansible.builtin.debug:
    msg: "{{ anna.login }} sits at {{ anna.desk }}, extension {{ anna.extension }}"

- name: Two more who begin on Monday, if it is not a holiday
  workplace.provisioning.onboard:
    persons: [E1023, E1038]
    start: "2026-12-28T07:30"
""",
            people_requests.onboard_task,
            RETURNS | _ONBOARD_RETURNS,
        ),
        Definition(
            "offboard",
            "shut out a leaver: account, memberships, sessions, telephone, port",
            (
                "All that C(provision offboard) does. Mail and home folder are kept for as long as the site says, and "
                "their deletion is asked for.",
                "Somebody who has left already is no failure.",
            ),
            {
                "person": option("str", _PERSON + " A login that only the directory knows will do.", required=True),
                "day": option(
                    "str", "The last day, such as C(2026-12-31): a request waits until it is over. Left out, it is now."
                ),
                "forward_to": option("str", "Who gets a copy of the leaver's mail: a person of the site."),
                "reply": option("str", "What whoever writes to the leaver is told."),
                "reply_subject": option("str", "The subject of that reply."),
                "keep_mail_days": option("int", "For how many days things are kept, instead of the site's number."),
                "manager_of_reports": option("str", "Who manages the leaver's people from now on."),
            } | WAITING,
            """
- name: Leaves at the end of the year
  workplace.provisioning.offboard:
    person: E1038
    day: "2026-12-31"
    forward_to: E1002
    reply: William Hart has left. Please write to sales@corp.example.

- name: Leaves at once
  workplace.provisioning.offboard:
    person: E1042
    manager_of_reports: E1002
""",
            people_requests.offboard_task,
            RETURNS | _OFFBOARD_RETURNS,
        ),
        Definition(
            "reinstate",
            "give a leaver back all that the offboarding took",
            (
                "Account, groups, mail, telephone, port, licences, home folder. The password is a new one that waits "
                "for hand-over, and the deletion that was asked for is given up.",
                "Somebody who has not left, or is back, is left alone.",
            ),
            {"person": option("str", _PERSON, required=True)} | WAITING,
            """
- name: She has thought better of it
  workplace.provisioning.reinstate:
    person: E1042
""",
            people_requests.reinstate_task,
            RETURNS,
        ),
        Definition(
            "erase",
            "ask for what a leaver left behind to be deleted for good, before its time",
            (
                "The role that the site names (C(leavers: erase_approval)) has to approve it: until then RV(waiting) "
                "says by whom. Run again after that, it deletes. This cannot be taken back.",
            ),
            {"person": option("str", _PERSON, required=True)},
            """
- name: Nothing of him is to be kept
  workplace.provisioning.erase:
    person: E1038
""",
            people_requests.erase_task,
            RETURNS,
        ),
        Definition(
            "rename",
            "call somebody by another name in all systems",
            (
                "Mail to the former name still arrives: the former addresses stay as aliases. Without O(given) and "
                "O(family), the name that the site's files have by now is carried into the systems.",
            ),
            {
                "person": option("str", "The person's number, as it is the name that changes.", required=True),
                "given": option("str", "The given name from now on."),
                "family": option("str", "The family name from now on."),
                "new_login": option("bool", "A new login as well, by the site's login policy.", default=False),
            } | START | WAITING,
            """
- name: Anna has married
  workplace.provisioning.rename:
    person: E1042
    family: Орлова
""",
            people_requests.rename_task,
            RETURNS,
        ),
        Definition(
            "reassign",
            "give somebody another job: profile, department, title, manager",
            (
                "Groups, software and licences that only the old profile gave are withdrawn, those of the new one are "
                "given; VLAN, organisational unit, pages, shares and extension follow. What nobody's profile gave is "
                "left alone.",
            ),
            {
                "person": option("str", _PERSON, required=True),
                "profile": option("str", "The job profile from now on."),
                "former": option("str", "The profile until now, where the site's files say the new one already."),
                "department": option("str", "The department from now on."),
                "title": option("str", "A title of one's own, instead of the profile's."),
                "manager": option("str", "The manager from now on."),
                "keep": listed("Packages of the old profile that stay, as the new one offers them too."),
            } | START | WAITING,
            """
- name: From sales to accounting
  workplace.provisioning.reassign:
    person: E1042
    profile: accounting
    department: Accounting
    manager: E1015
""",
            people_requests.reassign_task,
            RETURNS,
        ),
    )
}  # fmt: skip
