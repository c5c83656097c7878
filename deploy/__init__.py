"""How the services are run; no service imports anything from here."""
