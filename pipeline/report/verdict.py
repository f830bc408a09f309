"""What the verdict rests on: candidates compared on the same queries. The template says it in words."""

from mem0_slm import io
from pipeline.evaluation import statistics


def hits(items: list[dict], name: str) -> dict[str, bool]:
    """Query id -> whether it was a hit among the first five, for the items of one set."""
    return {
        row["id"]: row["first_hit"] is not None and row["first_hit"] <= 5
        for row in items
        if row["set"] == name and "first_hit" in row
    }


def compared(items: dict[str, list[dict]], ours: str, theirs: str, name: str) -> dict:
    """The paired test of two candidates on one set. Raises DataError where they were asked other queries."""
    a, b = hits(items[ours], name), hits(items[theirs], name)
    if a.keys() != b.keys():
        raise io.DataError(
            f"reports/items_{ours}.jsonl and items_{theirs}.jsonl hold other queries of {name}. "
            "Run `dvc repro retrieval_eval`."
        )
    return statistics.paired([a[i] for i in sorted(a)], [b[i] for i in sorted(a)])


def answer(test: dict) -> str:
    """Yes, no, or that these queries do not tell: by McNemar's exact test at 5%."""
    return ("yes" if test["difference"] > 0 else "no, worse") if test["p"] < 0.05 else "not shown"


def keeps_contract(found: dict) -> bool:
    """Whether every answer of a candidate on a set was one that Mem0 reads."""
    return found["failed_adds"] == 0 and found["valid_json_share"] == 1
