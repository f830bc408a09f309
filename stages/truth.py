"""Say what of a candidate's memories of the natural conversations is true, by the labels that readers gave.

A stage of its own, so that a new label evaluates nothing again: what retrieval_eval measured is taken over.
Usage: python -m stages.truth {no_llm,base,finetuned}

Reads  reports/runs/retrieval_<candidate>_natural.json, reports/items_<candidate>.jsonl, data/natural.jsonl,
       data/labels/natural.jsonl
Writes metrics/natural_<candidate>.json, the same with sources and machine in reports/runs
"""

from pathlib import Path

from mem0_slm import io
from pipeline import results
from pipeline.data import labels
from pipeline.data.eval_items import read_eval_items
from pipeline.evaluation.candidates import CANDIDATES, quality_record, retrieval_record
from pipeline.evaluation.metrics import HEADLINE
from pipeline.evaluation.truth import truth
from pipeline.paths import REPORTS, RUNS
from stages import run_stage

ARGUMENTS = {"candidate": (CANDIDATES, "whose memories")}
SET = "natural"


def main(candidate: str):
    measured = io.read_json(RUNS / f"{retrieval_record(SET, candidate)}.json")
    rows = io.read_jsonl(REPORTS / f"items_{candidate}.jsonl", {"id": str, "set": str, "memories": list})
    rows = [row for row in rows if row["set"] == SET]
    everything = read_eval_items(Path(f"data/{SET}.jsonl"))
    known = labels.read_labels(labels.NATURAL, [item.id for item in everything])
    evaluated = {row["id"] for row in rows}
    items = [item for item in everything if item.id in evaluated]
    facts = measured | truth(rows, items, known, candidate != "no_llm") | {"labels_sha256": io.sha256(labels.NATURAL)}
    results.record(quality_record(SET, candidate), facts, headline=results.pick(facts, HEADLINE))


if __name__ == "__main__":
    run_stage(main)
