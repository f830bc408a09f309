"""What the hyperparameter search that `make search` runs as DVC experiments found; the report shows it as table and plot.

    python -m benchmarks.search      # reads `dvc exp show`, writes benchmarks/search.json

Every experiment of the current commit that ran `finetune` is listed, best first: the keys of params.yaml in which they differ,
validation loss, training time. Failed ones are counted.
"""

import json
import subprocess

from benchmarks import record

FIGURES = ("validation_loss", "train_loss_last", "seconds", "tokens_per_second", "peak_rss_gib")


def rows_of(shown: list[dict]) -> tuple[list[dict], int]:
    """The finished experiments in `dvc exp show --json`, each with `name`, `params` (flat) and `metrics`, and how many failed."""
    rows, failed = [], 0
    for commit in shown:
        for experiment in commit.get("experiments") or []:
            for revision in experiment.get("revs") or []:
                state = (experiment.get("executor") or {}).get("state")
                if revision.get("error") or state == "failed":
                    failed += 1
                    continue
                if state not in (None, "success"):  # a waiting one still has the metrics of its commit
                    continue
                data = revision.get("data") or {}
                metrics = ((data.get("metrics") or {}).get("metrics/finetune.json") or {}).get("data")
                params = ((data.get("params") or {}).get("params.yaml") or {}).get("data") or {}
                if metrics:
                    rows.append(
                        {
                            "name": experiment.get("name") or revision["rev"][:7],
                            "params": flat(params),
                            "metrics": metrics,
                        }
                    )
    return rows, failed


def flat(values: dict, prefix: str = "") -> dict:
    found = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def compared(rows: list[dict]) -> list[dict]:
    """The experiments, best loss first: the params in which they differ, and their figures."""
    keys = sorted(
        {key for row in rows for key in row["params"] if len({json.dumps(r["params"].get(key)) for r in rows}) > 1}
    )
    return [
        {
            "name": row["name"],
            "params": {key: row["params"].get(key) for key in keys},
            "metrics": {k: row["metrics"][k] for k in FIGURES if k in row["metrics"]},
        }
        for row in sorted(rows, key=lambda row: row["metrics"]["validation_loss"])
    ]


def main():
    shown = subprocess.run(["dvc", "exp", "show", "--json"], capture_output=True, text=True, check=True).stdout
    rows, failed = rows_of(json.loads(shown))
    if not rows:
        raise SystemExit(
            f"error: dvc exp show lists no finished experiment ({failed} failed). Run `make search` first."
        )
    shared = {
        key: value
        for key, value in rows[0]["params"].items()
        if key in ("model", "finetune.epochs", "generate_dataset.extraction_n")
    }
    record(
        "search", {"experiments": compared(rows), "failed": failed, "shared": shared}, "torch", "transformers", "peft"
    )


if __name__ == "__main__":
    main()
