"""The ledger's schema, version by version (Alembic). ``provisioning.ledger.schema`` runs what is missing on opening."""
