"""The benchmark: measures, prints, and rewrites the tables of docs/performance.md.

    scripts/bench [--quick] [--rounds N] [--keep-page]

A number is only as good as the machine was calm: run it alone, and look at the spread beside each median.
"""

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

from tests.perf import (
    cost,
    failover,
    idle,
    isolation,
    machine,
    many,
    modes,
    outage,
    report,
    speed,
    stages,
    vf,
)
from tests.perf.report import say


def main(argv: list[str]) -> int:
    """Run everything; 0 when all was measured."""
    arguments = _arguments(argv)
    if os.geteuid() != 0:
        print("the benchmark builds namespaces and TAPs: run as root, or with sudo", file=sys.stderr)
        return 5
    quick = arguments.quick
    rounds = arguments.rounds or (2 if quick else 5)
    say(machine.describe())
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        tables = [
            speed.compare(rounds, speed.QUICK if quick else speed.FULL, directory),
            vf.compare(rounds, speed.QUICK if quick else speed.FULL, directory),
            *modes.compare(rounds, 1 if quick else 3, directory),
            outage.measure(5 if quick else 20, directory),
            failover.measure(5 if quick else 20, directory),
            isolation.measure(1.0 if quick else 3.0, directory),
            idle.measure(2.0 if quick else 10.0, directory),
            cost.measure(),
            stages.measure(),
            many.measure(directory),
        ]
    for table in tables:
        say("\n" + table.markdown())
    if not arguments.keep_page:
        command = shlex.join(["scripts/bench", *argv])
        report.write(f"`{command}` on {machine.today()}: {machine.describe()}.", tables)
        say(f"\nwritten to {report.PAGE}")
    return 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure, and write docs/performance.md."
    )
    parser.add_argument("--quick", action="store_true", help="less of each, in under a minute")
    parser.add_argument("--rounds", type=int, help="alternating rounds against the C loop (5; quick: 2)")
    parser.add_argument("--keep-page", action="store_true", help="do not touch docs/performance.md")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
