"""``python -m tests.crash.run --seed N --schedules N [--real N]``: random crashes of the engine, judged.

Schedule number k draws everything from seed + k; an even one runs under the system clock, an odd one under
the log clock. The last line says how many there were and what they lost, doubled or wrote differently; exit
code 1 unless all three are zero. `--real` adds schedules in which real processes are killed or frozen, on
Tansu or on Apache Kafka (`--broker apache --brokers 3`), of which the leading broker is killed too.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Sequence

from contracts.words import Clock
from deploy.local.broker import BrokerKind
from deploy.local.errors import StackError
from motcua.up import add_broker
from tests.crash.harness.schedule import survive
from tests.crash.harness.verdict import Verdict
from tests.crash.harness.worker import POINTS, SITUATIONS

CLOCKS = (Clock.SYSTEM, Clock.LOG)
ENOUGH = 200
"""From so many schedules on every named point must have been passed, in every situation."""


def one(seed: int) -> tuple[Verdict, Counter[str]]:
    """The schedule of that seed; what nobody expected counts as a difference."""
    try:
        return survive(seed, CLOCKS[seed % 2])
    except Exception:
        return Verdict(different=1, said=[traceback.format_exc()]), Counter()


def simulated(seed: int, schedules: int) -> Verdict:
    """Run the model; the first failing schedule is told on standard error."""
    total, reached = Verdict(), Counter[str]()
    for number in range(seed, seed + schedules):
        verdict, points = one(number)
        if verdict and not total:
            sys.stderr.write(f"first failing schedule: SEED={number} SCHEDULES=1\n")
            sys.stderr.writelines(f"  {line}\n" for line in verdict.said[:10])
        total.add(verdict)
        reached += points
    never = [point for point in POINTS + SITUATIONS if not reached[point]]
    if schedules >= ENOUGH and never:
        sys.stderr.write(f"never passed: {', '.join(never)}\n")
        total.different += 1
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when nothing was lost, doubled or different."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.run", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedules", type=int, default=2000, help="schedules of the model")
    parser.add_argument("--real", type=int, default=0, help="schedules of real processes")
    add_broker(parser)
    args = parser.parse_args(arguments)
    total = simulated(args.seed, args.schedules)
    if args.real:
        # Imported here: the model needs no broker and no client library.
        from tests.crash.harness.real import real

        try:
            total.add(real(args.seed, args.real, BrokerKind(args.broker), args.brokers))
        except StackError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    sys.stdout.write(
        f"schedules {args.schedules + args.real}, lost {total.lost}, doubled {total.doubled}, "
        f"different {total.different}\n"
    )
    return 1 if total else 0


if __name__ == "__main__":
    for client in ("aiokafka", "kafka"):  # they tell of every refused connection to a broker we killed
        logging.getLogger(client).setLevel(logging.CRITICAL)
    raise SystemExit(main())
