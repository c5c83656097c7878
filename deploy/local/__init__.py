"""The one-machine stack: everything on 127.0.0.1, without Docker, from PyPI alone."""
