"""Write the report: what was measured, against the original work and against storing raw messages, with a verdict.

Reads  metrics, reports/runs, reports/items_<candidate>.jsonl, benchmarks/search.json
Writes reports/report.md, reports/report.html (one file, works offline), reports/plots/*.svg
"""

from mem0_slm import io
from pipeline.evaluation.settings import CANDIDATES
from pipeline.paths import METRICS, REPORTS, RUNS, SEARCH
from pipeline.report.contents import contents
from pipeline.report.html import markdown, page
from pipeline.report.plots import plots
from stages import run_stage


def main():
    names = [c for c in CANDIDATES if (RUNS / f"retrieval_{c}_quality.json").exists()]
    names += sorted(
        c
        for c in (f.stem[len("retrieval_") : -len("_quality")] for f in RUNS.glob("retrieval_*_quality.json"))
        if c not in CANDIDATES
    )
    run = lambda name: io.read_json(RUNS / f"{name}.json")  # noqa: E731
    sets = {
        "eval": {c: run(f"retrieval_{c}_quality") for c in names},
        "natural": {c: run(f"natural_{c}") for c in names},
    }
    speeds = {"base": run("baseline_speed"), "tuned": run("finetuned_speed")}
    retrieval_speed = {c: run(f"retrieval_{c}_speed") for c in names}
    items = {c: io.read_jsonl(REPORTS / f"items_{c}.jsonl", {"id": str, "set": str}) for c in names}
    gguf = run("export_gguf")
    search = io.read_json(SEARCH)
    plots(REPORTS / "plots", sets, speeds, retrieval_speed, gguf, search)
    blocks = contents(
        sets,
        speeds,
        retrieval_speed,
        items,
        run("base"),
        run("finetune"),
        io.read_json(METRICS / "dataset.json"),
        run("export_merged"),
        gguf,
        {name: run(f"{name}_check") for name in ("baseline", "finetuned")},
        {c: run(f"own_data_{c}")["sets"] for c in names},
        search,
    )
    io.write_text(REPORTS / "report.md", markdown(blocks))
    io.write_text(REPORTS / "report.html", page(blocks, REPORTS / "plots"))


if __name__ == "__main__":
    run_stage(main)
