"""``python -m tests.crash.sink.run --seed N --schedules N [--real 1]``: random crashes of the sink, judged.

Schedule number k draws everything from seed + k. The last line says how many there were and what was missing,
doubled or mismatched; exit code 1 unless all three are zero. With `--real 1` real processes (analytics, the
warehouse) are killed or frozen, one accident a schedule, on Tansu or on Apache Kafka (`--broker apache`);
`--away S` keeps the warehouse away for so many seconds in each of them.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence

from deploy.local.broker import BrokerKind
from services.analytics.sink.loop import Sink
from tests.crash.sink.judge import Verdict
from tests.crash.sink.process import POINTS
from tests.crash.sink.schedule import survive

ENOUGH = 500
"""From so many schedules on every named point was died at and frozen at, and the rare happened."""


def one(seed: int, sink: Callable[..., Sink] = Sink) -> tuple[Verdict, Counter[str]]:
    """The schedule of that seed; what nobody expected counts as a mismatch."""
    try:
        return survive(seed, sink)
    except Exception:
        return Verdict(mismatched=1, said=[traceback.format_exc()]), Counter()


def simulated(seed: int, schedules: int) -> Verdict:
    """Run the model; the first failing schedule is told on standard error."""
    total, happened = Verdict(), Counter[str]()
    for number in range(seed, seed + schedules):
        verdict, accidents = one(number)
        if verdict and not total:
            sys.stderr.write(f"first failing schedule: SEED={number} SCHEDULES=1\n")
            sys.stderr.writelines(f"  {line}\n" for line in verdict.said[:10])
        total.add(verdict)
        happened += accidents
    wanted = [f"{what}: {point}" for what in ("died", "frozen") for point in POINTS]
    wanted += ["part lost", "tokens forgotten", "window shrunk", "topic created again"]
    never = [what for what in wanted if not happened[what]]
    if schedules >= ENOUGH and never:
        sys.stderr.write(f"never happened: {', '.join(never)}\n")
        total.mismatched += 1
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when nothing is missing, doubled or mismatched."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.sink.run", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedules", type=int, help="how many: 2000 of the model, 10 of real processes")
    parser.add_argument(
        "--real", type=int, default=0, help="1: real processes; more: so many schedules of them"
    )
    parser.add_argument("--away", type=float, help="with --real: the warehouse is away for so many seconds")
    parser.add_argument(
        "--broker", choices=[kind.value for kind in BrokerKind], default=BrokerKind.TANSU.value
    )
    args = parser.parse_args(arguments)
    if args.real:
        # Imported here: the model needs no broker and no client library.
        from tests.crash.sink.real import real

        schedules = args.real if args.real > 1 else 10 if args.schedules is None else args.schedules
        total = real(args.seed, schedules, BrokerKind(args.broker), args.away)
    else:
        schedules = 2000 if args.schedules is None else args.schedules
        total = simulated(args.seed, schedules)
    sys.stdout.write(
        f"schedules {schedules}, missing {total.missing}, doubled {total.doubled}, "
        f"mismatched {total.mismatched}\n"
    )
    return 1 if total else 0


if __name__ == "__main__":
    for client in ("kafka", "services.analytics"):  # they tell of every accident
        logging.getLogger(client).setLevel(logging.CRITICAL)
    raise SystemExit(main())
