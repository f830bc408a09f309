"""The report's plots."""

from pathlib import Path

from pipeline.paths import METRICS
from pipeline.report.tables import NAMES, SETS


def read_csv(path: Path) -> list[dict]:
    import csv

    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def plots(folder: Path, sets: dict, speeds: dict, retrieval_speed: dict, gguf: dict, search: dict) -> None:
    """SVG plots, on no background and in grey, so that they can be read on light and dark pages."""
    import matplotlib

    matplotlib.use("Agg")
    grey = "#808080"
    matplotlib.rcParams |= {
        "svg.hashsalt": "mem0-slm",  # the same figures give the same file
        "savefig.transparent": True,
        "legend.framealpha": 0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), grey),
    }
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for column, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(int(r["step"]), float(r[column])) for r in read_csv(METRICS / "loss.csv") if r[column]]
        axis.plot(*zip(*points), marker="o" if column == "eval_loss" else None, label=label)
    axis.set(xlabel="step", ylabel="loss", title="Training curve")
    axis.legend()
    save(figure, "loss")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for offset, metrics in enumerate(sets.values()):
        values = [m["precision_at_5"] for m in metrics.values()]
        bounds = [m.get("precision_at_5_ci", [v, v]) for m, v in zip(metrics.values(), values)]
        around = [
            [max(0, v - b[0]) for v, b in zip(values, bounds)],
            [max(0, b[1] - v) for v, b in zip(values, bounds)],
        ]
        axis.bar(
            [i + offset * 0.4 for i in range(len(values))],
            values,
            0.38,
            yerr=around,
            ecolor=grey,
            capsize=3,
            label=list(SETS)[offset],
        )
    names = [NAMES.get(c, c) for c in next(iter(sets.values()))]
    axis.set(ylim=(0, 1.05), ylabel="precision@5, 95% interval", title="Retrieval through Mem0")
    axis.set_xticks([i + 0.2 for i in range(len(names))], names)
    axis.legend()
    save(figure, "retrieval")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for name, metrics in sets.items():
        points = [
            (retrieval_speed[c][name]["adds_per_second"], m["precision_at_5"], NAMES.get(c, c))
            for c, m in metrics.items()
        ]
        axis.scatter([x for x, _, _ in points], [y for _, y, _ in points], label=name)
        for x, y, label in points:
            axis.annotate(label, (x, y), xytext=(5, 4), textcoords="offset points", fontsize=7)
    axis.set(
        xscale="log",
        ylim=(0, 1.05),
        xlabel="adds per second (logarithmic)",
        ylabel="precision@5",
        title="Quality against speed",
    )
    axis.legend()
    save(figure, "quality_speed")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    for key, label in (
        ("same_decision_to_store", "same decision to store as merged"),
        ("well_formed", "well-formed"),
        ("same_text_as_merged", "same text as merged"),
    ):
        points = sorted((v["bytes"] / 1e6, v[key]) for v in gguf["types"].values() if key in v)
        axis.plot(*zip(*points), marker="o", label=label)
    for kind, v in gguf["types"].items():
        axis.annotate(kind, (v["bytes"] / 1e6, 0.02), rotation=90, fontsize=7, ha="center")
    axis.set(ylim=(0, 1.05), xlabel="MB", ylabel="share of extractions", title="Quality against size")
    axis.legend()
    save(figure, "quality_size")

    figure, axis = plt.subplots(figsize=(7, 3.5))
    bars = [
        (f"{group} {name}", t["tokens_per_second"])
        for group, speed in speeds.items()
        for name, t in speed["targets"].items()
    ]
    if bars:
        axis.barh(*zip(*bars))
    axis.set(xlabel="output tokens per second, one request at a time", title="Speed")
    save(figure, "speed")

    figure, axis = plt.subplots(figsize=(7, 3))
    tried = search["experiments"][::-1]
    axis.barh(
        [", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in e["params"].items()) for e in tried],
        [e["metrics"]["validation_loss"] for e in tried],
    )
    axis.set(xlabel="validation loss", title="Hyperparameter search")
    save(figure, "search")
