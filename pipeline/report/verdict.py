"""The verdict: candidates compared on the same queries."""

from mem0_slm import io
from pipeline.evaluation import statistics
from pipeline.report.tables import SETS, percent


def hits(items: list[dict], name: str) -> dict[str, bool]:
    """Query id -> whether it was a hit among the first five, for the items of one set."""
    return {
        row["id"]: row["first_hit"] is not None and row["first_hit"] <= 5
        for row in items
        if row["set"] == name and "first_hit" in row
    }


def compared(items: dict[str, list[dict]], ours: str, theirs: str, name: str) -> dict:
    a, b = hits(items[ours], name), hits(items[theirs], name)
    if a.keys() != b.keys():
        raise io.DataError(
            f"reports/items_{ours}.jsonl and items_{theirs}.jsonl hold other queries of {name}. Run `dvc repro retrieval_eval`."
        )
    return statistics.paired([a[i] for i in sorted(a)], [b[i] for i in sorted(a)])


def answer(test: dict) -> str:
    """Yes, no, or that these queries do not tell: by McNemar's exact test at 5%."""
    return ("yes" if test["difference"] > 0 else "no, worse") if test["p"] < 0.05 else "not shown"


def verdict(sets: dict[str, dict], items: dict[str, list[dict]]) -> list[str]:
    """Plain answers to the three questions a reader has."""
    lines = []
    for name, label in SETS.items():
        tuned, base = sets[name]["finetuned"], sets[name]["base"]
        kept = tuned["failed_adds"] == 0 and tuned["valid_json_share"] == 1
        lines.append(
            f"**Does the tuned model keep Mem0's contract?** On the {label}: {'yes' if kept else 'no, not always'}; {percent(tuned['valid_json_share'])} of its answers are well-formed, failed adds: {tuned['failed_adds']} (base: {percent(base['valid_json_share'])}, {base['failed_adds']})."
        )
    for theirs, question in (("base", "Better than the base?"), ("no_llm", "Better than storing raw text?")):
        for name, label in SETS.items():
            test, tuned, other = compared(items, "finetuned", theirs, name), sets[name]["finetuned"], sets[name][theirs]
            chance = "< 0.0001" if test["p"] < 1e-4 else f"= {test['p']:.4f}"
            lines.append(
                f"**{question}** On the {label}: {answer(test)}; precision@5 {tuned['precision_at_5']:.3f} against {other['precision_at_5']:.3f} "
                f"(difference {test['difference']:+.3f}, 95% {test['ci'][0]:+.3f} to {test['ci'][1]:+.3f}; {test['only_ours']} queries only it hit, {test['only_theirs']} only the other, p {chance}); "
                f"small talk stored {percent(tuned['small_talk_stored'])} against {percent(other['small_talk_stored'])}."
            )
    return lines
