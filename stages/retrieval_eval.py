"""Evaluate what an extractor is worth to Mem0's search: real AsyncMemory, real Qdrant, real embedder.

Each item's conversation is added for one user; then each query is searched. A query is a hit at k when one of the first
k memories comes from the item's own conversation and holds its answer (the item's first key, as whole words). The same
is done with the hand-written natural conversations. Some conversations are also answered without a store, by less
held decoding (free, any JSON object): `decodings` in the quality metrics.

Candidates: no_llm stores the raw messages (`infer=False`); base and finetuned extract with the model, same prompt, same
decoding. Evaluation sets of your own are stages/own_data.py's.

Usage: python -m stages.retrieval_eval {no_llm,base,finetuned}

Reads  data/eval.jsonl, data/natural.jsonl, the candidate's GGUF
Writes metrics/retrieval_<candidate>_quality.json, metrics/retrieval_<candidate>_speed.json,
       metrics/natural_<candidate>.json, the same with sources and machine in reports/runs, reports/items_<candidate>.jsonl (what each item became)
"""

from pathlib import Path

from mem0_slm import io
from pipeline import params, results
from pipeline.evaluation.candidates import CANDIDATES, SETS, quality_record
from pipeline.evaluation.decodings import decodings
from pipeline.evaluation.metrics import HEADLINE
from pipeline.evaluation.retrieval import evaluate, model_of, sources
from pipeline.evaluation.settings import RetrievalEvalSettings
from stages import run_stage

PACKAGES = ("mem0ai", "qdrant-client", "llama-cpp-python")
ARGUMENTS = {"candidate": (CANDIDATES, "what is evaluated")}


def evaluate_all(candidate: str, model: Path, p: RetrievalEvalSettings) -> None:
    """Evaluate a candidate on both sets, and write what was found."""
    made_of = sources(candidate, model, p)
    speeds, item_rows = {}, []
    for name in SETS:
        items = io.read_jsonl(f"data/{name}.jsonl", {"id": str, "messages": list, "keys": list})
        if p.limit:
            items = [i for i in items if i["query"]][: p.limit] + [i for i in items if not i["query"]][: p.limit]
        metrics, speed, rows = evaluate(candidate, model, items, p, f"mem0_slm_{name}_{candidate}")
        if name == "eval" and candidate != "no_llm":
            metrics["decodings"] = decodings(model, items, rows, p)
        results.record(
            quality_record(name, candidate),
            metrics | {"data_sha256": io.sha256(f"data/{name}.jsonl"), "sources": made_of},
            *PACKAGES,
            headline=results.pick(metrics, HEADLINE),
        )
        speeds[name] = speed
        item_rows += [{"set": name} | {k: v for k, v in row.items() if "seconds" not in k} for row in rows]
    results.record(f"retrieval_{candidate}_speed", speeds, *PACKAGES)
    io.write_jsonl(f"reports/items_{candidate}.jsonl", item_rows)


def main(candidate: str):
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    with model_of(candidate, p) as model:
        evaluate_all(candidate, model, p)


if __name__ == "__main__":
    run_stage(main)
