"""Fail when the tuned model's quality fell: the workspace's figures against those of another git revision.

    python -m stages.gate [--against origin/main]

Looks at the quality metrics of the tuned model alone, generated, natural and own evaluation sets; speed never fails. What
fell by more than `report.max_fall` of params.yaml (a share, 0.02 is two points) is named, and the exit code is 1. A metric
that the other revision does not have is new and passes; one that it has and the workspace lacks fails.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from mem0_slm import io, params

BETTER = {
    "precision_at_5": 1,
    "hit_at_1": 1,
    "hit_at_3": 1,
    "hit_at_10": 1,
    "mrr": 1,
    "keys_kept": 1,
    "valid_json_share": 1,
    "evidence_recall_at_5": 1,
    "evidence_recall_at_10": 1,
    "small_talk_stored": -1,
    "memories_with_unsaid_names_or_numbers": -1,
}
"""Quality metrics, all shares: 1 where more is better, -1 where less is."""
RUNS = Path("reports/runs")
"""The whole records: metrics/ has only what DVC's tables show."""
FILES = ("retrieval_finetuned_quality.json", "natural_finetuned.json", "own_data_finetuned.json")


def flat(value, prefix: str = "") -> dict[str, float]:
    """Numbers of nested dicts by dotted name."""
    if isinstance(value, dict):
        return {
            name: number
            for key, item in value.items()
            for name, number in flat(item, f"{prefix}.{key}" if prefix else key).items()
        }
    return {prefix: value} if isinstance(value, (int, float)) else {}


def committed(revision: str, path: str) -> dict[str, float] | None:
    """A JSON file of a git revision, flat; None if the revision has no such file. Raises DataError for an unknown revision."""
    known = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], capture_output=True)
    if known.returncode:
        raise io.DataError(f"git revision {revision!r} is unknown. Fetch it, or name another with --against.")
    shown = subprocess.run(["git", "show", f"{revision}:{path}"], capture_output=True, text=True)
    return flat(json.loads(shown.stdout)) if shown.returncode == 0 else None


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
    from stages.report import Params

    parser = argparse.ArgumentParser(
        prog="python -m stages.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", default="HEAD", help="the git revision to compare with (default: HEAD)")
    against = parser.parse_args().against
    most, failed, compared = params.load(Params, "report").max_fall, [], 0
    for file in FILES:
        old = committed(against, (RUNS / file).as_posix())
        if old is None:
            continue
        new = flat(io.read_json(RUNS / file)) if (RUNS / file).exists() else {}
        compared += sum(name.rsplit(".", 1)[-1] in BETTER for name in old)
        failed += [f"{file}: {line}" for line in falls(old, new, most)]
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
