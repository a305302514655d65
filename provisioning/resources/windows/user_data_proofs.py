"""``windows.user_data``: a person's data is where it was brought, and how fast that went."""

from __future__ import annotations

import random

from provisioning.resources.base import Proof, ProofResult, Sessions
from provisioning.resources.windows import user_data_copy as copying
from provisioning.resources.windows import user_data_manifest as manifests

_SAMPLE = 20  # files whose hash is compared once more


class UserDataThere:
    """Every file that was brought has its size, and a sample its hash."""

    name = "windows.user_data"

    def check(self, sessions: Sessions, proof: Proof) -> ProofResult:
        key = str(proof.parameters["profile"])
        with sessions.session(proof.target) as session:
            tree = session.tree()
            manifest = manifests.load(session, tree, key)
            last = manifest.latest if manifest else None
            if manifest is None or last is None:
                return ProofResult(proof, False, f"nothing was brought for {key}; `provision transfer-data` brings it")
            if not last.complete or not copying.all_there(tree, manifest.folder, last):
                return ProofResult(proof, False, f"files from {last.source} are missing or have another size")
            proven = [item for item in last.items if item.sha256 and item.ours]
            for item in random.sample(proven, min(_SAMPLE, len(proven))):  # which ones is no secret
                if tree.sha256(f"{manifest.folder}\\{item.to}") != item.sha256:
                    return ProofResult(proof, False, f"{item.to} has another content than at {last.source}")
        return ProofResult(proof, True, f"from {last.source}: {copying.speed(last)}")


USER_DATA_THERE = UserDataThere()
