"""Callback plugins that ansible-playbook loads when this program runs it."""
