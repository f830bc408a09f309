"""What of a model's statements is true, by the labels that readers gave them."""

from mem0_slm.answers import classify

JOINT = "; "
"""What stands between the statements of a memory."""


def statements_of(memories: list[str]) -> list[str]:
    """The statements of memories, split as they were joined."""
    return [statement for memory in memories for statement in memory.split(JOINT)]


def stored(row: dict) -> list[str]:
    """The statements that were stored of an item (a line of reports/items_<candidate>.jsonl)."""
    return [s["text"] for s in row["statements"]] if "statements" in row else statements_of(row["memories"])


def written(row: dict) -> list[str]:
    """The statements that the model itself wrote of an item, none where no model was asked."""
    return statements_of(classify(row["answer"]).texts) if row.get("answer") else []
