"""How it is done: plan (pure after the reads), execute in waves, journal, prove."""
