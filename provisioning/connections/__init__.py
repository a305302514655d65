"""How we talk: one module a system, one session a target."""
