"""Table and plot of the hyperparameter search that `make search` runs as DVC experiments.

    python -m benchmarks.search      # reads `dvc exp show`, writes reports/search.md and reports/search.svg

Every experiment of the current commit that ran `finetune` is a row: the keys of params.yaml in which they differ, validation
loss, training time. Failed ones are counted.
"""

import json
import subprocess
from pathlib import Path

from mem0_slm import io

TABLE, PLOT = Path("reports/search.md"), Path("reports/search.svg")


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
                    rows.append({"name": experiment.get("name") or revision["rev"][:7], "params": flat(params), "metrics": metrics})
    return rows, failed


def flat(values: dict, prefix: str = "") -> dict:
    found = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def table(rows: list[dict], failed: int) -> tuple[str, list[str]]:
    """The Markdown table, best loss first, and the keys in which the experiments differ."""
    from tabulate import tabulate

    keys = sorted({key for row in rows for key in row["params"] if len({json.dumps(r["params"].get(key)) for r in rows}) > 1})
    rows = sorted(rows, key=lambda row: row["metrics"]["validation_loss"])
    body = [
        [row["name"], *(row["params"].get(key) for key in keys), *(row["metrics"][m] for m in ("validation_loss", "seconds", "peak_rss_gib"))]
        for row in rows
    ]
    text = tabulate(body, headers=["experiment", *keys, "validation loss", "seconds", "peak GiB"], tablefmt="github")
    return f"# Hyperparameter search\n{len(rows)} experiments, {failed} failed; `make search` runs them, `dvc exp apply NAME` takes one.\n\n{text}\n", keys


def plot(rows: list[dict], keys: list[str], out: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    rows = sorted(rows, key=lambda row: row["metrics"]["validation_loss"], reverse=True)
    labels = [", ".join(f"{key.rsplit('.', 1)[-1]} {row['params'].get(key)}" for key in keys) or row["name"] for row in rows]
    figure, axis = pyplot.subplots(figsize=(7, 1 + 0.4 * len(rows)))
    axis.barh(labels, [row["metrics"]["validation_loss"] for row in rows])
    axis.set_xlabel("validation loss")
    figure.tight_layout()
    with io.atomic_path(out) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def main():
    shown = subprocess.run(["dvc", "exp", "show", "--json"], capture_output=True, text=True, check=True).stdout
    rows, failed = rows_of(json.loads(shown))
    if not rows:
        raise SystemExit(f"error: dvc exp show lists no finished experiment ({failed} failed). Run `make search` first.")
    text, keys = table(rows, failed)
    io.write_text(TABLE, text + f"\n![validation loss]({PLOT.name})\n")
    plot(rows, keys, PLOT)
    print(text)


if __name__ == "__main__":
    main()
