"""Modules for desks, outlets, PCs and the whole site: their options and examples."""

from __future__ import annotations

from provisioning.ansible_door import place_requests, rollouts
from provisioning.ansible_door.arguments import Spec
from provisioning.ansible_door.definition import Definition
from provisioning.ansible_door.fulfilling import RETURNS, START, WAITING
from provisioning.ansible_door.naming import listed, option
from provisioning.api.replacing import OLD_TO

_SPARE: Spec = {
    "use_spare": option("bool", "Whether ports that the site keeps spare are taken if no other is free.", default=False)
}
_WAY: Spec = {
    "who": option("str", "A person (number, login, whole name) or a PC of the site."),
    "to": option("str", "The workplace to be at."),
    "swap": option("bool", "Whether whoever has that workplace gets the former one.", default=False),
    "with_pc": option(
        "bool", "Whether the person's PC goes along; left out, it does, unless the desk is shared and has one."
    ),
}

_WITH_PEOPLE = (
    Definition(
        "move",
        "move people and PCs to other workplaces",
        (
            "Ports, office, printers, telephone and proofs follow. The port of a workplace that nobody has any more is "
            "released; an outlet without a cable gets a port and a patch order.",
            "Whoever is there already is left alone. A move that was cut or is partly done is gone on with.",
        ),
        _WAY
        | {
            "moves": option(
                "list",
                "Several at once, in one plan: two lines that cross are a swap.",
                elements="dict",
                options={
                    **_WAY,
                    "who": {**_WAY["who"], "required": True},
                    "to": {**_WAY["to"], "required": True},
                },
            ),
        }
        | _SPARE
        | START
        | WAITING,
        """
- name: Anna moves to the free desk by the window
  workplace.provisioning.move:
    who: E1042
    to: B-204-2

- name: Two colleagues swap, and a third follows
  workplace.provisioning.move:
    moves:
      - {who: E1002, to: B-203-2}
      - {who: E1003, to: B-203-1}
      - {who: E1038, to: B-204-2}
""",
        place_requests.move_task,
        RETURNS
        | {
            "moves": option("list", "Each C(who), C(from) and C(to).", elements="dict", returned="success"),
        },
    ),
    Definition(
        "replace",
        "put a PC from the store in the place of a defective one",
        (
            "The new one takes desk, port and address, joins the domain, and gets software, printers and settings of "
            "whoever sits there; their data is brought from the old one or from its newest archive.",
            "A PC that was replaced by that other one already is left alone.",
        ),
        {
            "old": option("str", "The PC that goes: computer name or asset tag.", required=True),
            "new": option("str", "The PC that comes, from the store.", required=True),
            "reason": option("str", "What is wrong with the old one; it goes into its history.", required=True),
            "keep_name": option("bool", "Whether the new PC takes over the old one's name and account.", default=False),
            "old_to": option("str", "Where the old one goes.", choices=list(OLD_TO), default="repair"),
            "data": option("bool", "Whether people's data comes along.", default=True),
        }
        | START
        | WAITING,
        """
- name: The fan of Anna's PC is broken
  workplace.provisioning.replace:
    old: NW-20042
    new: NW-20090
    reason: Fan is broken
    allow_waiting: true
""",
        place_requests.replace_task,
        RETURNS,
    ),
    Definition(
        "install",
        "install (or remove) packages for people, rooms, groups or PCs, in waves",
        (
            "The first wave is small, and the next one begins only as long as few PCs failed; each is a run of its "
            "own. The same task again goes on where it was, and does nothing twice.",
        ),
        {
            "packages": listed("Packages and bundles of the site's catalogue.", required=True),
            "targets": listed(
                "For whom: people, PCs, rooms, groups, departments or profiles; C(group:Sales) says which.",
                required=True,
            ),
            "state": option(
                "str",
                "Whether they are to be there. Removing gives the licence seats back.",
                choices=["present", "absent"],
                default="present",
            ),
            "waves": listed("PCs in each wave, such as C(1), C(5), C(20%); all others are in one more."),
            "stop_at": option("str", "Failures at which no further wave begins, such as C(3) or C(10%)."),
        }
        | START
        | WAITING,
        """
- name: The archive tool for the sales department, one PC first
  workplace.provisioning.install:
    packages: [archive-tool]
    targets: ["department:Sales"]
    waves: ["1", "50%"]
    allow_waiting: true
""",
        rollouts.install_task,
        RETURNS
        | {
            "waves": option(
                "list",
                "Each C(wave) with its C(run), C(pcs), and those that are C(done), C(failed), C(waiting).",
                elements="dict",
                returned="success",
            ),
            "request": option("int", "The request's number.", returned="when it was begun"),
        },
    ),
)

_OF_THINGS = (
    Definition(
        "patch",
        "pick a free switch port for a wall outlet, configure it, and tell the technician where the cable goes",
        ("The port is free for the site, for the ledger and on the switch. A patched outlet keeps its port.",),
        {
            "outlet": option("str", "The wall outlet.", required=True),
            "to": option("str", "What it is for: a workplace, equipment or port profile.", required=True),
        } | _SPARE | WAITING,
        """
- name: The free outlet of room B-208 for guests
  workplace.provisioning.patch:
    outlet: B2-08C
    to: guest
  register: cable

- name: Tell the technician
  ansible.builtin.debug:
    msg: "{{ cable.order }}"
""",
        place_requests.patch_task,
        RETURNS | {"order": option("dict", "The patch order: its number, ends, cable, label.", returned="success")},
    ),
    Definition(
        "connect",
        "connect printers, scanners and other equipment: address, port, and the proof of both",
        ("Without O(equipment), all of the site's equipment that has a patch cable.",),
        {"equipment": listed("Names of the site's equipment.")} | WAITING,
        """
- name: The printer of the sales department
  workplace.provisioning.connect:
    equipment: [printer-sales]
""",
        place_requests.connect_task,
        RETURNS,
    ),
    Definition(
        "transfer_data",
        "bring a person's data from one PC to another",
        (
            "Nothing is changed at the old PC, nothing at the new one is overwritten, every file's hash is compared. "
            "The person must have signed in at the new PC once.",
        ),
        {
            "source": option("str", "The PC that has the data.", required=True),
            "target": option("str", "The PC that gets it.", required=True),
            "profile": option("str", "Whose: the profile's folder below C(C:\\\\Users).", required=True),
        } | WAITING,
        """
- name: Anna's files follow her
  workplace.provisioning.transfer_data:
    source: WS-0042
    target: WS-0043
    profile: anna.petrova
""",
        place_requests.transfer_data_task,
        RETURNS,
    ),
    Definition(
        "join",
        "join PCs to the domain under the names that the site gives them",
        (
            "No domain administrator is needed. Where all are members already, the task also looks whether the domain "
            "trusts them, and fails where it does not.",
        ),
        {
            "workstations": listed("PCs of the site.", required=True),
            "again": option(
                "bool", "Whether members leave and join anew: for a PC that the domain trusts no more. This changes "
                "something at each call.", default=False,
            ),
        } | WAITING,
        """
- name: The two PCs of room B-204
  workplace.provisioning.join:
    workstations: [WS-0042, WS-0043]
""",
        place_requests.join_task,
        RETURNS,
    ),
    Definition(
        "publish",
        "publish the settings that mail programs look for, on the intranet's web server",
        ("What C(provision publish) does.",),
        {**WAITING},
        """
- name: What Outlook and Thunderbird look for
  workplace.provisioning.publish:
""",
        place_requests.publish_task,
        RETURNS,
    ),
    Definition(
        "site_state",
        "make the whole site so: everybody who has a workplace, equipment, published settings",
        ("What C(provision apply) does. In check mode, what C(provision plan) says.",),
        {**WAITING},
        """
- name: Everything as the site says; PCs that are off come later
  workplace.provisioning.site_state:
    allow_waiting: true
""",
        place_requests.site_state_task,
        RETURNS,
    ),
    Definition(
        "undo",
        "take back exactly what a run did",
        ("What drifted since is left alone and named. A run that was taken back already is left alone.",),
        {"run": option("int", "The run's number: what a task registered as RV(run).", required=True)} | WAITING,
        """
- name: Take back what a task did
  workplace.provisioning.undo:
    run: "{{ moved.run }}"
  when: moved is changed
""",
        place_requests.undo_task,
        RETURNS,
    ),
)  # fmt: skip

MODULES: dict[str, Definition] = {one.name: one for one in (*_WITH_PEOPLE, *_OF_THINGS)}
