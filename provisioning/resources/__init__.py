"""What can be made so: the four words in :mod:`~provisioning.resources.base`, then one folder a system."""
