"""What the gate (mem0_slm/grounding.py) brings and costs: what the tuned model writes stored as it stands, and only what
follows from the user's words, in one run.

    python -m benchmarks.gate [--items 20]

Both go through real Mem0 over the whole generated and natural evaluation sets, as `retrieval_eval` does and with its
parameters. Answers of adds at once differ in their last bits from run to run, so that precision_at_5 may move by 0.02 or so
by itself. What of the statements is true stands in the report: no figure here is of labels. Writes benchmarks/gate.json.
"""

import argparse
from pathlib import Path

from benchmarks import record
from mem0_slm import io
from pipeline import params, results
from pipeline.data.eval_items import EvalItem, read_eval_items
from pipeline.evaluation import retrieval
from pipeline.evaluation.settings import RetrievalEvalSettings

FIGURES = (
    "precision_at_5",
    "precision_at_5_ci",
    "keys_kept",
    "num_total_queries",
    "small_talk_stored",
    "memories_with_unsaid_names_or_numbers",
    "memories_per_item",
    "statements_generated",
    "statements_own_words",
    "statements_dropped",
    "failed_adds",
)
SIDES = {"model_alone": False, "gate": True}


def side(items: list[EvalItem], p) -> dict:
    """One set through one Mem0 with a store of its own."""
    found = retrieval.evaluate("finetuned", Path(p.finetuned_model), items, p, "gate")
    return results.pick(found.quality, FIGURES) | {"add_seconds_p50": found.speed["add_seconds_p50"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, help="only so many of each set")
    arguments = parser.parse_args()
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    result = {"model_sha256": io.sha256(Path(p.finetuned_model)), "concurrency": p.concurrency}
    for name in ("eval", "natural"):
        items = read_eval_items(Path(f"data/{name}.jsonl"))[: arguments.items]
        result[name] = {what: side(items, p.changed(gate=gate)) for what, gate in SIDES.items()}
    record("gate", result, "mem0ai", "llama-cpp-python", "qdrant-client")


if __name__ == "__main__":
    main()
