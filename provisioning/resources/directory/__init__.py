"""Things in the directory: users, memberships, computers; and the proof that a person can sign in."""
