"""Modules that prove and never change anything; check mode makes no difference to them."""

from __future__ import annotations

from collections.abc import Iterable

from provisioning.ansible_door.definition import Definition, Result, Task
from provisioning.ansible_door.naming import listed, option, person, text, texts
from provisioning.connections.openers import OPENERS
from provisioning.engine.events import one_at_a_time
from provisioning.engine.prover import prove
from provisioning.errors import RequestError
from provisioning.procedures.ensure import ensure
from provisioning.resources.base import Proof, ProofResult
from provisioning.resources.registry import PROOFS
from provisioning.site.lines import did_you_mean


def check_task(task: Task) -> Result:
    """``workplace.provisioning.check``."""
    site = task.site
    names = tuple(dict.fromkeys(person(site, name) for name in texts(task.given, "names")))
    desk = text(task.given, "desk")
    if not names:
        raise RequestError("check: `names` is empty; name people, workplaces or equipment of the site")
    if desk is not None and len(names) > 1:
        raise RequestError(f"check: the workplace {desk} (`desk`) cannot seat {len(names)} people; name one person")
    return _proven(site.check(*names, workplace=desk))


def proof_task(task: Task) -> Result:
    """``workplace.provisioning.proof``."""
    asked = [
        Proof(
            one["kind"], one["target"], one.get("name") or f"{one['kind']} at {one['target']}", one["parameters"] or {}
        )
        for one in task.given["proofs"]
    ]
    for proof in asked:
        if (system := proof.target.partition(":")[0]) not in OPENERS:
            raise RequestError(f"proof: there is no target {proof.target!r}{did_you_mean(system, OPENERS)}")
    request = ensure("prove", proofs=asked)  # refuses kinds that there are none of
    with task.site.reading(purpose="a check") as sessions:
        try:
            return _proven(prove(request.proofs, sessions, one_at_a_time(None)))
        except KeyError as exc:
            raise RequestError(f"proof: the parameter {exc} is missing in one of the `proofs`") from exc


def _proven(results: Iterable[ProofResult]) -> Result:
    told = [{"name": one.proof.name, "passed": one.passed, "detail": one.detail} for one in results]
    found: Result = {"changed": False, "proofs": told, "diff": [], "resources": [], "warnings": []}
    wrong = [f"not proven: {one['name']}: {one['detail']}" for one in told if not one["passed"]]
    return found | ({"failed": True, "msg": "\n".join(wrong)} if wrong else {"msg": f"all {len(told)} proofs passed"})


MODULES: dict[str, Definition] = {
    one.name: one
    for one in (
        Definition(
            "check",
            "prove that people, workplaces or equipment are ready",
            (
                "Signs in, gets mail, is in the right VLAN, has the software, and so on: all that C(provision check) "
                "proves. Nothing is changed; a proof that does not pass fails the task with a sentence.",
            ),
            {
                "names": listed("People, workplaces or equipment of the site.", required=True),
                "desk": option("str", "Check the one person at this workplace."),
            },
            """
- name: Anna can begin
  workplace.provisioning.check:
    names: [E1042]
""",
            check_task,
        ),
        Definition(
            "proof",
            "run proofs of one's own choice",
            (
                "Nothing is changed. A proof that does not pass fails the task with a sentence.",
                f"The kinds are {', '.join(f'C({name})' for name in PROOFS)}.",
            ),
            {
                "proofs": option(
                    "list", "What is to be proven.", elements="dict", required=True,
                    options={
                        "kind": option("str", "The kind of proof.", required=True),
                        "target": option(
                            "str", "Where: C(directory), C(mail), C(intranet), C(windows:WS-0042), C(switch:sw-b2-1) "
                            "and the like.", required=True,
                        ),
                        "name": option("str", "What it is called in results."),
                        "parameters": option("dict", "What the kind wants to know.", default={}),
                    },
                ),
            },
            """
- name: The account signs in, and its PC is where it should be
  workplace.provisioning.proof:
    proofs:
      - kind: directory.sign_in
        target: directory
        parameters: {login: anna.petrova}
      - kind: network.port
        target: switch:sw-b2-1
        name: Anna's PC is on its port
        parameters: {interface: GigabitEthernet1/0/12, mac: "02:00:5e:10:00:42", vlan: 20}
""",
            proof_task,
        ),
    )
}  # fmt: skip
