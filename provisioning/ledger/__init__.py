"""Who has what, and what was done: runs, changes, proofs. SQLAlchemy on SQLite (WAL)."""

from provisioning.ledger.ledger import ChangeRecord, Ledger, RunRecord

__all__ = ["ChangeRecord", "Ledger", "RunRecord"]
