"""What can be made so on a Windows PC: registry values and policies, MSI packages."""
