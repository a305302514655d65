"""The door for Ansible: what the action plugins of the collection ``workplace.provisioning`` are made of. No logic: a
task's arguments become a request, the facade plans and applies it, its result becomes Ansible's."""
