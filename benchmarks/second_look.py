"""What the second look and the quotes (mem0_slm/second_look.py) bring and cost: the tuned model's first answer alone, with
what a second look adds, and with quotes too, in one run.

    python -m benchmarks.second_look [--items 20]

All go through real Mem0 over the whole generated and natural evaluation sets, as `retrieval_eval` does and with its
parameters. Answers of adds at once differ in their last bits from run to run, so that precision_at_5 may move by 0.02 or so
where the second look adds nothing. `failed_second_looks` counts sentences and clauses whose second answer was not well-formed.
Writes benchmarks/second_look.json.
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
    "added_by_second_look",
    "quoted",
    "failed_second_looks",
    "failed_adds",
)

SIDES = (("first_answer", False, False), ("second_look", True, False), ("second_look_and_quotes", True, True))


def side(items: list[EvalItem], p) -> dict:
    """One set through one Mem0 with a store of its own."""
    found = retrieval.evaluate("finetuned", Path(p.finetuned_model), items, p, "second_look")
    return results.pick(found.quality, FIGURES) | {"add_seconds_p50": found.speed["add_seconds_p50"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, help="only so many of each set")
    arguments = parser.parse_args()
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    result = {"model_sha256": io.sha256(Path(p.finetuned_model)), "concurrency": p.concurrency}
    for name in ("eval", "natural"):
        items = read_eval_items(Path(f"data/{name}.jsonl"))[: arguments.items]
        result[name] = {what: side(items, p.changed(second_look=look, quotes=quotes)) for what, look, quotes in SIDES}
    record("second_look", result, "mem0ai", "llama-cpp-python", "qdrant-client")


if __name__ == "__main__":
    main()
