"""Retrieval and extraction metrics on plain dicts.

qrels   {query id: {document id: relevance > 0}}       what should be found (BEIR's form)
results {query id: {document id: score}}               what was found; a query that could not be run is absent
"""

import collections

from mem0_slm import contract
from mem0_slm.answers import OUTCOMES
from mem0_slm.text import holds, unsaid
from pipeline.evaluation import statistics
from pipeline.evaluation.statistics import interval

CUTS = (1, 3, 5, 10)


def ranking(found: dict[str, float]) -> list[str]:
    """Document ids by falling score; ties by id, so that a rank never depends on dict order."""
    return sorted(found, key=lambda document: (-found[document], document))


def first_hit(qrels: dict, results: dict, query: str) -> int | None:
    """The rank (from 1) of the first relevant document of a query, or None."""
    relevant = {document for document, grade in qrels[query].items() if grade > 0}
    for rank, document in enumerate(ranking(results.get(query, {})), 1):
        if document in relevant:
            return rank
    return None


def retrieval(qrels: dict, results: dict, seed: int = 0) -> dict:
    """Hits and reciprocal rank over all queries, those that could not be run included as misses; `<metric>_ci` beside
    each is its 95% interval, bootstrapped over queries. (DVC's tables leave lists out, and so stay short.)

    precision_at_5 is hits over all queries, as Mem0's users count it: the share of queries with a relevant memory among
    the first five. (It is not the share of the five that are relevant.)
    """
    total = len(qrels)
    ranks = [first_hit(qrels, results, query) for query in qrels]
    scores = {
        ("precision_at_5" if cut == 5 else f"hit_at_{cut}"): [float(rank is not None and rank <= cut) for rank in ranks]
        for cut in CUTS
    }
    scores["mrr"] = [1 / rank if rank else 0.0 for rank in ranks]
    return {
        **{name: round(sum(values) / total, 4) if total else 0.0 for name, values in scores.items()},
        **{f"{name}_ci": interval(values, seed) for name, values in scores.items()},
        "num_total_queries": total,
        "num_processed_queries": sum(query in results for query in qrels),
        "num_hits": int(sum(scores["precision_at_5"])),
    }


def evidence_recall(wanted: list[str], ranked: list[str], cut: int) -> float:
    """The share of the evidence that is among the first `cut`; `ranked` may name a piece of evidence more than once."""
    return len(set(wanted) & set(ranked[:cut])) / len(set(wanted))


def keys_kept(keys: list[str], memories: list[str]) -> int:
    """How many of an item's key names, numbers and things occur in its memories."""
    return sum(any(holds(memory, key) for memory in memories) for key in keys)


BETTER = {
    "precision_at_5": 1,
    "hit_at_1": 1,
    "hit_at_3": 1,
    "hit_at_10": 1,
    "mrr": 1,
    "keys_kept": 1,
    "valid_json_share": 1,
    "evidence_recall_at_5": 1,
    "evidence_recall_at_10": 1,
    "small_talk_stored": -1,
    "memories_with_unsaid_names_or_numbers": -1,
}
"""Quality metrics, all shares: 1 where more is better, -1 where less is."""


OF_ADDS = ("outcomes", "valid_json_share", "failed_adds", "repaired", "memories_with_unsaid_names_or_numbers")


HEADLINE = (
    "precision_at_5",
    "hit_at_1",
    "hit_at_3",
    "hit_at_10",
    "mrr",
    "num_total_queries",
    "num_processed_queries",
    "num_hits",
    "keys_kept",
    "small_talk_stored",
    "valid_json_share",
    "failed_adds",
    "repaired",
    "quoted",
    "outcomes",
    "evidence_recall_at_5",
    "evidence_recall_at_10",
    "num_questions",
)
"""What DVC's tables show of a candidate on an evaluation set; the rest is in reports/runs and in the report."""


def recall(rows: list[dict]) -> dict:
    """Recall of evidence among the first 5 and 10 memories, mean over questions, with 95% intervals; and by the questions' category."""
    metrics = {
        "num_questions": len(rows),
        "by_category": {row["category"]: {} for row in sorted(rows, key=lambda row: row["category"])},
    }
    for cut in (5, 10):
        shares = [evidence_recall(row["evidence"], row["ranked"], cut) for row in rows]
        metrics |= {
            f"evidence_recall_at_{cut}": round(sum(shares) / len(shares), 4) if shares else 0.0,
            f"evidence_recall_at_{cut}_ci": statistics.interval(shares),
        }
        for category, figures in metrics["by_category"].items():
            own = [share for row, share in zip(rows, shares) if row["category"] == category]
            figures |= {"num_questions": len(own), f"recall_at_{cut}": round(sum(own) / len(own), 4)}
    return metrics


def quality(items, rows, qrels, results, uses_llm: bool) -> dict:
    """All quality metrics of one candidate on one evaluation set."""
    by_id = {row["id"]: row for row in rows}
    facts = [i for i in items if i["query"]]
    small_talk = [i for i in items if not i["query"]]
    metrics = retrieval(qrels, results)
    keys = sum(len(i["keys"]) for i in facts)
    kept = sum(keys_kept(i["keys"], by_id[i["id"]]["memories"]) for i in facts)
    metrics["keys_kept"] = round(kept / keys, 4) if keys else 0.0
    metrics["num_keys"] = keys
    wrongly = sum(bool(by_id[i["id"]]["memories"]) for i in small_talk)
    metrics["small_talk_stored"] = round(wrongly / len(small_talk), 4) if small_talk else 0.0
    metrics["num_small_talk"] = len(small_talk)
    metrics["memories_per_item"] = round(sum(len(by_id[i["id"]]["memories"]) for i in facts) / max(len(facts), 1), 3)
    metrics["facts_missed"] = sum(not by_id[i["id"]]["memories"] for i in facts)
    if uses_llm:
        outcomes = collections.Counter(row["outcome"] for row in rows)
        metrics["outcomes"] = {name: outcomes[name] for name in OUTCOMES}
        metrics["valid_json_share"] = round((outcomes["stored"] + outcomes["nothing"]) / len(rows), 4)
        metrics["failed_adds"] = len(rows) - outcomes["stored"] - outcomes["nothing"]
        metrics["repaired"] = sum(row.get("repaired", False) for row in rows)
        metrics["added_by_second_look"] = sum(row.get("added", 0) for row in rows)
        metrics["quoted"] = sum(row.get("quoted", 0) for row in rows)
        metrics["failed_second_looks"] = sum(row.get("failed_looks", 0) for row in rows)
        said = {i["id"]: contract.conversation_of(i["messages"]) for i in items}
        memories = [(m, said[row["id"]]) for row in rows for m in row["memories"]]
        invented = sum(bool(unsaid(m, text)) for m, text in memories)
        metrics["memories_with_unsaid_names_or_numbers"] = round(invented / len(memories), 4) if memories else 0.0
    return metrics
