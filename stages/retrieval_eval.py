"""Evaluate what an extractor is worth to Mem0's search: real AsyncMemory, real Qdrant, real embedder.

Each item's conversation is added for one user; then each query is searched. A query is a hit at k when one of the first
k memories comes from the item's own conversation and holds its answer (the item's first key, as whole words). The same
is done with the hand-written natural conversations. Some conversations are also answered without a store, by less
held decoding (free, any JSON object): `decodings` in the quality metrics.

Candidates: no_llm stores the raw messages (`infer=False`); base and finetuned extract with the model, same prompt, same
decoding. Evaluation sets of your own are stages/own_data.py's.

Usage: python -m stages.retrieval_eval {no_llm,base,finetuned}

Reads  data/eval.jsonl, data/natural.jsonl, the candidate's GGUF
Writes metrics/retrieval_<candidate>_quality.json, metrics/retrieval_<candidate>_speed.json, the same with sources and
       machine in reports/runs, reports/runs/retrieval_<candidate>_natural.json (stages/truth.py makes the natural set's
       metrics of it), reports/items_<candidate>.jsonl (what each item became)
"""

from pathlib import Path

from mem0_slm import io
from pipeline import params, results
from pipeline.data.eval_items import read_eval_items
from pipeline.evaluation.candidates import CANDIDATES, SETS, retrieval_record
from pipeline.evaluation.decodings import decodings
from pipeline.evaluation.metrics import HEADLINE
from pipeline.evaluation.retrieval import PACKAGES, evaluate, model_of, sources
from pipeline.evaluation.settings import RetrievalEvalSettings
from stages import run_stage

ARGUMENTS = {"candidate": (CANDIDATES, "what is evaluated")}


def evaluate_all(candidate: str, model: Path, p: RetrievalEvalSettings) -> None:
    """Evaluate a candidate on both sets, and write what was found."""
    made_of = sources(candidate, model, p)
    speeds, item_rows = {}, []
    for name in SETS:
        file = Path(f"data/{name}.jsonl")
        items = read_eval_items(file, p.limit)
        found = evaluate(candidate, model, items, p, f"mem0_slm_{name}_{candidate}")
        quality = found.quality
        if name == "eval" and candidate != "no_llm":
            quality["decodings"] = decodings(model, items, found.adds, p)
        facts = quality | {"data_sha256": io.sha256(file), "sources": made_of}
        record = retrieval_record(name, candidate)
        if name == "eval":
            results.record(record, facts, *PACKAGES, headline=results.pick(quality, HEADLINE))
        else:  # stages/truth.py says what of it is true, and writes the metrics
            results.keep(record, facts, *PACKAGES)
        speeds[name] = found.speed
        item_rows += [{"set": name} | row for row in found.rows()]
    results.record(f"retrieval_{candidate}_speed", speeds, *PACKAGES)
    io.write_jsonl(f"reports/items_{candidate}.jsonl", item_rows)


def main(candidate: str):
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    with model_of(candidate, p) as model:
        evaluate_all(candidate, model, p)


if __name__ == "__main__":
    run_stage(main)
