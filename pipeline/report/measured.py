"""All that was measured, as the stages wrote it: what the report is made from."""

from dataclasses import dataclass
from pathlib import Path

from mem0_slm import io
from pipeline.evaluation.candidates import CANDIDATES, SETS, quality_record
from pipeline.paths import METRICS, REPORTS, RUNS, SEARCH


@dataclass(frozen=True)
class Measured:
    """The records of reports/runs as dicts; `sets`, `retrieval_speed`, `items`, `own` by candidate."""

    sets: dict[str, dict[str, dict]]
    """Quality by evaluation set (of `SETS`), then by candidate."""
    speeds: dict[str, dict]
    """The benches, "base" and "tuned"."""
    retrieval_speed: dict[str, dict]
    items: dict[str, list[dict]]
    """What became of each conversation of the evaluation sets."""
    own: dict[str, dict[str, dict]]
    """Quality on sets of the user's own, by candidate, then by set."""
    grounding: dict
    """The gate's rule against labelled statements."""
    base: dict
    training: dict
    dataset: dict
    merged: dict
    gguf: dict
    checks: dict[str, dict]
    """Whether a model works as a backend at all: "baseline" and "finetuned"."""
    search: dict
    """The hyperparameter search of benchmarks/search.json."""


def run(name: str) -> dict:
    """The record that a stage wrote under this name."""
    return io.read_json(RUNS / f"{name}.json")


def candidates(runs: Path = RUNS) -> list[str]:
    """Candidates that were evaluated: ours in their order, then others by name."""
    found = {file.stem[len("retrieval_") : -len("_quality")] for file in runs.glob("retrieval_*_quality.json")}
    return [c for c in CANDIDATES if c in found] + sorted(found - set(CANDIDATES))


def load() -> Measured:
    """Read everything. Raises DataError naming the file that is missing."""
    names = candidates()
    return Measured(
        sets={name: {c: run(quality_record(name, c)) for c in names} for name in SETS},
        speeds={"base": run("baseline_speed"), "tuned": run("finetuned_speed")},
        retrieval_speed={c: run(f"retrieval_{c}_speed") for c in names},
        items={c: io.read_jsonl(REPORTS / f"items_{c}.jsonl", {"id": str, "set": str}) for c in names},
        own={c: run(f"own_data_{c}")["sets"] for c in names},
        grounding=run("grounding"),
        base=run("base"),
        training=run("finetune"),
        dataset=io.read_json(METRICS / "dataset.json"),
        merged=run("export_merged"),
        gguf=run("export_gguf"),
        checks={name: run(f"{name}_check") for name in ("baseline", "finetuned")},
        search=io.read_json(SEARCH),
    )
