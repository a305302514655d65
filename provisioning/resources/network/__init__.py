"""What can be made so on the site's network servers: DHCP reservations."""
