"""The verdict: candidates compared on the same queries."""

from mem0_slm import io
from pipeline.evaluation import statistics
from pipeline.report.measured import SETS
from pipeline.report.tables import percent


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


def verdict(sets: dict[str, dict], items: dict[str, list[dict]]) -> list[str]:
    """Plain answers to the three questions a reader has."""
    lines = [keeps_contract(sets[name], label) for name, label in SETS.items()]
    for theirs, question in (("base", "Better than the base?"), ("no_llm", "Better than storing raw text?")):
        for name, label in SETS.items():
            test = compared(items, "finetuned", theirs, name)
            lines.append(f"**{question}** On the {label}: {better(sets[name]['finetuned'], sets[name][theirs], test)}")
    return lines


def keeps_contract(found: dict[str, dict], label: str) -> str:
    """Whether the tuned model keeps Mem0's contract on a set."""
    tuned, base = found["finetuned"], found["base"]
    kept = tuned["failed_adds"] == 0 and tuned["valid_json_share"] == 1
    return (
        f"**Does the tuned model keep Mem0's contract?** On the {label}: {'yes' if kept else 'no, not always'}; "
        f"{percent(tuned['valid_json_share'])} of its answers are well-formed, failed adds: {tuned['failed_adds']} "
        f"(base: {percent(base['valid_json_share'])}, {base['failed_adds']})."
    )


def better(tuned: dict, other: dict, test: dict) -> str:
    """How the tuned model compares with another candidate on one set."""
    chance = "< 0.0001" if test["p"] < 1e-4 else f"= {test['p']:.4f}"
    low, high = test["ci"]
    return (
        f"{answer(test)}; precision@5 {tuned['precision_at_5']:.3f} against {other['precision_at_5']:.3f} "
        f"(difference {test['difference']:+.3f}, 95% {low:+.3f} to {high:+.3f}; {test['only_ours']} queries only it hit, "
        f"{test['only_theirs']} only the other, p {chance}); small talk stored "
        f"{percent(tuned['small_talk_stored'])} against {percent(other['small_talk_stored'])}."
    )
