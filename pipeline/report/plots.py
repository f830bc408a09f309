"""The report's plots: SVG files on no background and in grey, so that they can be read on light and dark pages."""

import csv
from pathlib import Path

from pipeline.evaluation.candidates import SETS, named
from pipeline.paths import METRICS
from pipeline.report.measured import Measured

GREY = "#808080"
LOOK = {
    "svg.hashsalt": "mem0-slm",  # the same figures give the same file
    "savefig.transparent": True,
    "legend.framealpha": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY),
}


def draw_all(folder: Path, m: Measured) -> None:
    """Write every plot to `folder`."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= LOOK
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    for draw in (loss, retrieval, quality_speed, quality_size, speed, search):
        figure, axis = plt.subplots(figsize=(7, 3.5))
        draw(axis, m)
        figure.tight_layout()
        figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})
        plt.close(figure)


def loss(axis, m: Measured) -> None:
    with open(METRICS / "loss.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    for column, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(int(r["step"]), float(r[column])) for r in rows if r[column]]
        axis.plot(*zip(*points), marker="o" if column == "eval_loss" else None, label=label)
    axis.set(xlabel="step", ylabel="loss", title="Training curve")
    axis.legend()


def retrieval(axis, m: Measured) -> None:
    for place, (name, found) in enumerate(m.sets.items()):
        values = [c["precision_at_5"] for c in found.values()]
        bounds = [c.get("precision_at_5_ci", [v, v]) for c, v in zip(found.values(), values)]
        below = [max(0, v - b[0]) for v, b in zip(values, bounds)]
        above = [max(0, b[1] - v) for v, b in zip(values, bounds)]
        bars = [i + place * 0.4 for i in range(len(values))]
        axis.bar(bars, values, 0.38, yerr=[below, above], ecolor=GREY, capsize=3, label=name)
    candidates = [named(c) for c in m.sets[next(iter(SETS))]]
    axis.set(ylim=(0, 1.05), ylabel="precision@5, 95% interval", title="Retrieval through Mem0")
    axis.set_xticks([i + 0.2 for i in range(len(candidates))], candidates)
    axis.legend()


def quality_speed(axis, m: Measured) -> None:
    for name, found in m.sets.items():
        points = [(m.retrieval_speed[c][name]["adds_per_second"], q["precision_at_5"], c) for c, q in found.items()]
        axis.scatter([x for x, _, _ in points], [y for _, y, _ in points], label=name)
        for x, y, candidate in points:
            axis.annotate(named(candidate), (x, y), xytext=(5, 4), textcoords="offset points", fontsize=7)
    axis.set(xscale="log", ylim=(0, 1.05), xlabel="adds per second (logarithmic)", ylabel="precision@5")
    axis.set_title("Quality against speed")
    axis.legend()


def quality_size(axis, m: Measured) -> None:
    types = m.gguf["types"]
    labels = {
        "same_decision_to_store": "same decision to store as merged",
        "well_formed": "well-formed",
        "same_text_as_merged": "same text as merged",
    }
    for key, label in labels.items():
        points = sorted((v["bytes"] / 1e6, v[key]) for v in types.values() if key in v)
        axis.plot(*zip(*points), marker="o", label=label)
    for kind, v in types.items():
        axis.annotate(kind, (v["bytes"] / 1e6, 0.02), rotation=90, fontsize=7, ha="center")
    axis.set(ylim=(0, 1.05), xlabel="MB", ylabel="share of extractions", title="Quality against size")
    axis.legend()


def speed(axis, m: Measured) -> None:
    bars = [
        (f"{group} {name}", t["tokens_per_second"]) for group, s in m.speeds.items() for name, t in s["targets"].items()
    ]
    if bars:
        axis.barh(*zip(*bars))
    axis.set(xlabel="output tokens per second, one request at a time", title="Speed")


def search(axis, m: Measured) -> None:
    tried = m.search["experiments"][::-1]
    names = [", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in e["params"].items()) for e in tried]
    axis.barh(names, [e["metrics"]["validation_loss"] for e in tried])
    axis.set(xlabel="validation loss", title="Hyperparameter search")
