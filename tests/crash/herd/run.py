"""``python -m tests.crash.herd.run --dossiers N``: all due in the same second, commands beside, a kill.

Three rounds, each on a fresh broker: a tenth of the dossiers, to know what a worker costs without any; all
of them; all of them with SIGKILL of the worker in the middle. Exit code 1 when a wanted figure is missed; the
last line says it all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from tests.brokers import KIND
from tests.crash.herd.round import Recovery, Result, recovered, stampede

READY_SECONDS: Final = 60.0
RESIDENT: Final = int(1.5 * 2**30)
HERD_SECONDS: Final = 120.0
P99_SECONDS: Final = 0.5
LARGE: Final = 10_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when every wanted figure is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.herd.run", description=__doc__)
    parser.add_argument("--dossiers", type=int, default=1_000_000)
    parser.add_argument("--lead", type=float, help="seconds from the start of a round to the due second")
    parser.add_argument("--rounds", default="small,herd,kill", help="which of small, herd, kill")
    args = parser.parse_args(arguments)
    rounds = args.rounds.split(",")
    small, took = (
        recovered(max(args.dossiers // 10, 1)) if "small" in rounds else (None, args.dossiers / 25_000)
    )
    if small:
        _say(f"{small.dossiers} open: ready in {small.ready:.1f} s, {_mib(small.resident)} MiB")
    # What a tenth took, broker and all, tells what the whole will; a minute more for a busy machine.
    lead = args.lead or 60 + took * 10
    results = [stampede(args.dossiers, lead, kill=name == "kill") for name in rounds if name != "small"]
    missed = []
    for result in results:
        _tell(result)
        missed += _missed(result)
    if small and results:
        _extrapolate(small, results[0].recovery)
    for what in missed:
        _say(f"MISSED: {what}")
    _say(_summary(args.dossiers, results, missed))
    return 1 if missed else 0


def _tell(result: Result) -> None:
    one = result.recovery
    _say(f"{one.dossiers} open: ready in {one.ready:.1f} s, {_mib(one.resident)} MiB")
    if result.again:
        _say(f"killed with {result.at_kill} fired: ready again in {result.again.ready:.1f} s")
    _say(
        f"herd over in {result.seconds:.1f} s, {result.commands} commands beside: "
        f"p50 {result.p50 * 1e3:.0f} ms, p99 {result.p99 * 1e3:.0f} ms; at most {_mib(result.peak)} MiB; "
        f"lost {result.lost}, doubled {result.doubled} (repeats readers drop: {result.repeats})"
    )


def _missed(result: Result) -> list[str]:
    killed = result.again is not None
    ready = max(one.ready for one in (result.recovery, result.again) if one)
    found = {
        f"ready within {READY_SECONDS:g} s": ready > READY_SECONDS,
        f"at most {_mib(RESIDENT)} MiB": result.peak > RESIDENT,
        f"herd over within {HERD_SECONDS:g} s": result.seconds > HERD_SECONDS and not killed,
        f"p99 below {P99_SECONDS * 1e3:g} ms": result.p99 >= P99_SECONDS and not killed,
        "nothing lost, nothing doubled": bool(result.lost or result.doubled),
    }
    return [what for what, wrong in found.items() if wrong]


def _extrapolate(small: Recovery, large: Recovery) -> None:
    """A straight line through two sizes: what a dossier costs, apart from what a worker costs."""
    more = large.dossiers - small.dossiers
    each = (large.resident - small.resident) / more
    rate = more / max(large.ready - small.ready, 1e-9)
    memory = large.resident + each * (LARGE - large.dossiers)
    seconds = large.ready + (LARGE - large.dossiers) / rate
    _say(
        f"{each:.0f} bytes an open dossier, {rate:.0f} records/s of recovery; {LARGE} open dossiers would "
        f"need {memory / 2**30:.1f} GiB and {seconds:.0f} s in one worker, less in each of up to 8"
    )


def _summary(dossiers: int, results: Sequence[Result], missed: Sequence[str]) -> str:
    lost, doubled = sum(one.lost for one in results), sum(one.doubled for one in results)
    return f"herd of {dossiers} on {KIND.value}: lost {lost}, doubled {doubled}, missed {len(missed)}"


def _mib(size: int) -> int:
    return size // 2**20


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
