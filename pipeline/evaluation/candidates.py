"""What is compared, and on which evaluation sets. Reports use the labels; files, params and tables the names."""

CANDIDATES = {"no_llm": "raw message, no LLM", "base": "base model", "finetuned": "fine-tuned model"}
SETS = {"eval": "generated evaluation set", "natural": "natural, hand-written conversations"}
"""By name; data/<name>.jsonl holds the set. Sets of the user's own stand in `retrieval_eval.sets` of params.yaml."""


def named(candidate: str) -> str:
    """What a report calls a candidate; one of the user's own keeps its name."""
    return CANDIDATES.get(candidate, candidate)


def retrieval_record(name: str, candidate: str) -> str:
    """The record (reports/runs/<record>.json) of what the evaluation itself measured on the set of this name."""
    return f"retrieval_{candidate}_{'quality' if name == 'eval' else name}"


def quality_record(name: str, candidate: str) -> str:
    """The record that holds a candidate's whole quality on the set of this name; of natural with what is true."""
    return f"retrieval_{candidate}_quality" if name == "eval" else f"natural_{candidate}"
