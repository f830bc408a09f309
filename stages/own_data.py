"""Evaluate a candidate on evaluation sets of your own, named in params.yaml under `retrieval_eval.sets`.

The other settings are those of `retrieval_eval`. A stage of its own, so that another set runs nothing else again.
Without a set it writes that there is none.
Usage: python -m stages.own_data {no_llm,base,finetuned}

Reads  the files of `sets`, the candidate's GGUF
Writes metrics/own_data_<candidate>.json, the same with sources and machine in reports/runs
"""

from pipeline import params, results
from pipeline.data import evalsets
from pipeline.evaluation.candidates import CANDIDATES
from pipeline.evaluation.metrics import HEADLINE
from pipeline.evaluation.own_data import own_sets
from pipeline.evaluation.retrieval import PACKAGES, model_of, sources
from pipeline.evaluation.settings import RetrievalEvalSettings
from stages import run_stage

ARGUMENTS = {"candidate": (CANDIDATES, "what is evaluated")}


def main(candidate: str):
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    for path in p.sets.values():
        evalsets.load(path)  # an unusable file stops the stage before it works
    found = {"sets": {}}
    if p.sets:
        with model_of(candidate, p) as model:
            found = {"sets": own_sets(candidate, model, p), "sources": sources(candidate, model, p)}
    shown = {name: results.pick(metrics, HEADLINE) for name, metrics in found["sets"].items()}
    results.record(f"own_data_{candidate}", found, *PACKAGES, headline=shown)


if __name__ == "__main__":
    run_stage(main)
