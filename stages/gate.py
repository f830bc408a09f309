"""Fail when the tuned model's quality fell: the workspace's figures against those of another git revision.

    python -m stages.gate [--against origin/main]

Looks at the quality metrics of the tuned model alone, generated, natural and own evaluation sets; speed never fails. What
fell by more than `report.max_fall` of params.yaml (a share, 0.02 is two points) is named, and the exit code is 1. A metric
that the other revision does not have is new and passes; one that it has and the workspace lacks fails, and so does it
when nothing could be compared.
"""

import argparse
import sys

from mem0_slm import io
from pipeline import params
from pipeline.evaluation.metrics import BETTER
from pipeline.paths import RUNS
from pipeline.results import committed, flat

FILES = ("retrieval_finetuned_quality.json", "natural_finetuned.json", "own_data_finetuned.json")


def falls(old: dict[str, float], new: dict[str, float], most: float) -> list[str]:
    """A line for each quality metric that is worse in `new` by more than `most`, or that `new` lacks."""
    lines = []
    for name, before in sorted(old.items()):
        direction = BETTER.get(name.rsplit(".", 1)[-1])
        if direction is None:
            continue
        if name not in new:
            lines.append(f"{name}: {before} before, now missing")
        elif direction * (before - new[name]) > most + 1e-9:
            lines.append(f"{name}: {before} -> {new[name]}")
    return lines


def main() -> int:
    from pipeline.report.settings import ReportSettings

    parser = argparse.ArgumentParser(
        prog="python -m stages.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", default="HEAD", help="the git revision to compare with (default: HEAD)")
    against = parser.parse_args().against
    most, failed, compared = params.load(ReportSettings, "report").max_fall, [], 0
    for file in FILES:
        old = committed(against, (RUNS / file).as_posix())
        if old is None:
            continue
        new = flat(io.read_json(RUNS / file)) if (RUNS / file).exists() else {}
        compared += sum(name.rsplit(".", 1)[-1] in BETTER for name in old)
        failed += [f"{file}: {line}" for line in falls(old, new, most)]
    if not compared:
        raise io.DataError(
            f"{against} has none of {', '.join(FILES)} in {RUNS}, so nothing could be compared. "
            "Name a revision that has a full run with --against."
        )
    print(
        "\n".join(failed) if failed else f"no quality metric of {compared} fell by more than {most} against {against}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (params.ParamsError, io.DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
