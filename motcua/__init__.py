"""The `motcua` command line: thin commands over the services' HTTP interfaces and the one-machine stack."""
