"""Every query of the service as a named SQL file, and the one function that reads them."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def query(name: str) -> str:
    """The text of ``<name>.sql``. Parameters are written ``%(name)s``."""
    return resources.files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
