"""Which figures in metrics/ differ from those of another git revision; wall-clock figures are left out.

    python -m pipeline.report.changes [--against origin/main]     (`make changes AGAINST=origin/main`)

No stage calls this: what a stage writes follows from its inputs, not from what git's HEAD happens to be.
"""

import argparse
import sys

from mem0_slm import io
from pipeline.paths import METRICS
from pipeline.report.render import table
from pipeline.results import committed, flat

WALL_CLOCK = ("seconds", "per_second", "rss")


def changes(revision: str) -> list[list]:
    """Rows of file, name, before, now, change. Raises DataError for a revision that git does not know."""
    rows = []
    for path in sorted(METRICS.glob("*.json")):
        if path.stem.endswith("_speed"):
            continue
        old, new = committed(revision, path.as_posix()) or {}, flat(io.read_json(path))
        for name in sorted(old.keys() & new.keys()):
            if old[name] != new[name] and not any(word in name for word in WALL_CLOCK):
                rows.append([path.stem, name, f"{old[name]:g}", f"{new[name]:g}", f"{new[name] - old[name]:+g}"])
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", default="HEAD", help="the git revision to compare with (default: HEAD)")
    against = parser.parse_args().against
    try:
        rows = changes(against)
    except io.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    same = f"Nothing: the metrics are those of {against} (wall-clock figures aside)."
    print(table(["metrics", "name", "before", "now", "change"], rows) if rows else same)
    return 0


if __name__ == "__main__":
    sys.exit(main())
