"""`motcua rebuild`: make the roll-ups of the warehouse anew from its raw facts, while the board stays up.

Needed after a migration that adds a roll-up or changes one. Exit codes: 0 every partition was rebuilt; 1
otherwise (a service is away, the warehouse is behind, the key may not, another lane has partitions too).
"""

from __future__ import annotations

import argparse
import json

from motcua import client
from motcua.failure import Failure

HELP = "make the roll-ups anew from the raw facts"

# All raw facts are read again; a year of a province takes minutes.
_PATIENCE_SECONDS = 3600.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    client.configure(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Rebuild, and say what was rebuilt."""
    with client.connect(args, timeout=_PATIENCE_SECONDS) as connection:
        done = connection.post("/v1/rebuild", service="analytics")
    if args.json:
        print(json.dumps(done))
    else:
        partitions, seconds, held = len(done["partitions"]), done["seconds"], done["held_seconds"]
        print(
            f"Rebuilt {', '.join(done['roll_ups'])} of {partitions} partitions in {seconds:.1f} s; "
            f"the sink stood still for {held:.1f} s."
        )
    if not done["complete"]:
        raise Failure("only a part of the partitions was rebuilt: ask the other lanes of analytics too")
    return 0
