"""The documented schemas are those of the documents.

``python -m tests.unit.test_reports_schema`` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from provisioning.engine.document import PlanDocument
from provisioning.reports.document import ReportDocument

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMAS: dict[str, type[BaseModel]] = {"plan.schema.json": PlanDocument, "report.schema.json": ReportDocument}


def schema(model: type[BaseModel]) -> str:
    """The JSON schema (draft 2020-12) of what the model writes, as text."""
    described = model.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **described}, indent=2) + "\n"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_documented_schema_is_the_models(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == schema(SCHEMAS[name]), (
        "the document changed: run `python -m tests.unit.test_reports_schema`, "
        "and raise `format` if its readers would break"
    )


if __name__ == "__main__":
    for name, model in SCHEMAS.items():
        (DOCS / name).write_text(schema(model), encoding="utf-8")
