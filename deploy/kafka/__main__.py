"""`python -m deploy.kafka --bootstrap HOST:PORT [--replication N]`: create and verify the topics.

Exit code 0 when the broker has every topic as the contracts say, 1 when not, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deploy.kafka.admin import BrokerUnavailableError, TopicError
from deploy.kafka.topics import ensure_topics


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments `run` reads, except `--bootstrap`."""
    parser.add_argument(
        "--replication", type=int, help="copies of each partition (default: as the contracts say)"
    )


def run(bootstrap: str, replication: int | None) -> int:
    """Create and verify; say what was done."""
    if replication is not None and replication < 1:
        sys.stderr.write("--replication must be at least 1\n")
        return 2
    try:
        report = ensure_topics(bootstrap, replication)
    except (BrokerUnavailableError, TopicError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name in report.created:
        sys.stdout.write(f"created   {name}\n")
    for name in report.verified:
        sys.stdout.write(f"verified  {name}\n")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.kafka", description="Create and verify the topics."
    )
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT", help="a broker of the cluster")
    configure(parser)
    args = parser.parse_args(arguments)
    return run(args.bootstrap, args.replication)


if __name__ == "__main__":
    raise SystemExit(main())
