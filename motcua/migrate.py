"""`motcua migrate`: bring the warehouse's schema up to this release, or print it.

The service does it at its start too; this is for whoever wants it done, or read, before. With `--replicated`
the same migrations as Replicated and Distributed tables of a cluster. Exit codes: 0 done; 1 the warehouse
does not answer, refuses, was migrated by another text, or is of the other kind (one server, a cluster); 2
an address that is none.
"""

from __future__ import annotations

import argparse
import json
import logging
import os

from deploy.local.home import home_from
from motcua import client
from motcua.failure import Failure, WrongUsage
from services.analytics.adapters.clickhouse import Connection
from services.analytics.errors import AnalyticsError
from services.analytics.migrations import JOURNAL, migrate, plain, shipped
from services.analytics.migrations.cluster import JOURNAL as CLUSTER_JOURNAL
from services.analytics.migrations.cluster import replicated
from services.analytics.settings import SettingError, warehouse

EPILOG = (
    "Stop every process of analytics first: a batch of the old release reaches the new tables, which then no "
    "longer look new and are not given the past. If one did: a start stops with exit 74, and one start with "
    "MOTCUA_REPAIR=1 puts it right."
)

HELP = "bring the warehouse's schema up to this release, or print it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--warehouse", help="clickhouse://… (default: MOTCUA_CLICKHOUSE, or the stack running here)"
    )
    parser.add_argument("--print", action="store_true", help="print the statements, apply nothing")
    parser.add_argument("--replicated", action="store_true", help="for a cluster")
    parser.add_argument("--json", action="store_true", help="print what was applied as JSON")
    client.add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Apply what is missing, or print everything."""
    if args.print:
        print(text(clustered=args.replicated), end="")
        return 0
    # A warehouse that does not answer is told once, in words; the driver would add a traceback.
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
    connection = Connection(_address(args))
    try:
        form = (replicated, CLUSTER_JOURNAL) if args.replicated else (plain, JOURNAL)
        applied = migrate(connection, *form)
    except AnalyticsError as error:
        raise Failure(str(error)) from error
    finally:
        connection.close()
    names = [f"{one.number:04d}_{one.name}" for one in applied]
    if args.json:
        print(json.dumps({"applied": names, "shipped": len(shipped())}))
    else:
        print("\n".join(f"applied {name}" for name in names) or "Nothing to apply.")
    return 0


def text(*, clustered: bool) -> str:
    """All statements, in order."""
    lines = [f"{CLUSTER_JOURNAL if clustered else JOURNAL};\n"]
    for migration in shipped():
        lines.append(f"\n-- {migration.number:04d}_{migration.name}\n")
        statements = replicated(migration) if clustered else plain(migration)
        lines += [f"{statement};\n" for statement in statements]
    return "".join(lines)


def _address(args: argparse.Namespace) -> str:
    named = args.warehouse or os.environ.get("MOTCUA_CLICKHOUSE")
    if named:
        try:
            return warehouse("--warehouse" if args.warehouse else "MOTCUA_CLICKHOUSE", named)
        except SettingError as error:
            raise WrongUsage(str(error)) from error
    running = home_from(args.home).running()
    if running is None:
        raise Failure("no warehouse named: give --warehouse or MOTCUA_CLICKHOUSE")
    return running.urls["warehouse"]
