"""Fail when the tuned model's quality fell against another git revision.

    python -m stages.gate [--against origin/main]     (`make gate AGAINST=origin/main`)

Compares the tuned model's quality metrics on the generated, natural and own evaluation sets; speed never fails. Each
metric that fell by more than `report.max_fall` of params.yaml (a share: 0.02 is two points) is named, and the exit code
is 1. A metric that only the workspace has is new and passes. One that only the other revision has fails, and so does a
comparison in which there was nothing to compare.
"""

import argparse
import sys

from mem0_slm import io
from pipeline import params
from pipeline.evaluation.candidates import SETS, quality_record
from pipeline.evaluation.metrics import BETTER
from pipeline.paths import RUNS
from pipeline.report.settings import ReportSettings
from pipeline.results import committed, flat

FILES = tuple(f"{record}.json" for record in (*(quality_record(s, "finetuned") for s in SETS), "own_data_finetuned"))


def direction(metric: str) -> int:
    """1 where more is better, -1 where less is, 0 for what is no quality metric; `metric` is a dotted name."""
    return BETTER.get(metric.rsplit(".", 1)[-1], 0)


def falls(old: dict[str, float], new: dict[str, float], most: float) -> list[str]:
    """A line for each quality metric that is worse in `new` by more than `most`, or that `new` lacks."""
    lines = []
    for name, before in sorted(old.items()):
        if not direction(name):
            continue
        if name not in new:
            lines.append(f"{name}: {before} before, now missing")
        elif direction(name) * (before - new[name]) > most + 1e-9:
            lines.append(f"{name}: {before} -> {new[name]}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m stages.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", default="HEAD", help="the git revision to compare with (default: HEAD)")
    against = parser.parse_args().against
    most, failed, compared = params.load(ReportSettings, "report").max_fall, [], 0
    for file in FILES:
        old = committed(against, (RUNS / file).as_posix()) or {}
        new = flat(io.read_json(RUNS / file)) if (RUNS / file).exists() else {}
        compared += sum(direction(name) != 0 for name in old)
        failed += [f"{file}: {line}" for line in falls(old, new, most)]
    if not compared:
        raise io.DataError(
            f"{against} has no quality metric in {RUNS} ({', '.join(FILES)}), so nothing could be compared. "
            "Name a revision that has a full run with --against."
        )
    passed = f"no quality metric of {compared} fell by more than {most} against {against}"
    print("\n".join(failed) if failed else passed)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (params.ParamsError, io.DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
