"""Retrieval and extraction metrics on plain dicts.

qrels   {query id: {document id: relevance > 0}}       what should be found (BEIR's form)
results {query id: {document id: score}}               what was found; a query that could not be run is absent
"""

from dataclasses import dataclass

from mem0_slm.text import holds
from pipeline.evaluation.statistics import interval


@dataclass(frozen=True)
class Metric:
    """A figure that an evaluation gives."""

    name: str
    definition: str
    better: int = 0
    """1 where more is better, -1 where less is, 0 where it is neither: only the first two can fail the gate."""
    headline: bool = False
    """Whether metrics/, and so DVC's tables, have it; reports/runs has every metric."""
    of_adds: bool = False
    """Whether it needs no more than the adds, so that a set that names evidence instead of answers has it too."""


METRICS = (
    Metric("precision_at_5", "share of queries with a hit among the first five memories found", 1, True),
    Metric("hit_at_1", "share of queries whose first memory found is a hit", 1, True),
    Metric("hit_at_3", "share of queries with a hit among the first three", 1, True),
    Metric("hit_at_10", "share of queries with a hit among the first ten", 1, True),
    Metric("mrr", "mean of 1 / rank of the first hit, 0 for none", 1, True),
    Metric("num_total_queries", "number of queries", 0, True),
    Metric("num_processed_queries", "number of queries that could be run; the others count as misses", 0, True),
    Metric("num_hits", "number of queries with a hit among the first five", 0, True),
    Metric(
        "keys_kept", "share of the key names, numbers and things that a memory of their conversation holds", 1, True
    ),
    Metric("num_keys", "number of key names, numbers and things"),
    Metric("small_talk_stored", "share of the pieces of small talk from which something was stored", -1, True),
    Metric("num_small_talk", "number of pieces of small talk"),
    Metric("memories_per_item", "mean number of memories of a conversation that has something to store"),
    Metric("facts_missed", "number of conversations with something to store from which nothing was stored"),
    Metric("outcomes", "number of adds by how their extraction ended", 0, True, True),
    Metric("valid_json_share", "share of the answers that Mem0 could have read as they stand", 1, True, True),
    Metric("failed_adds", "number of adds whose answer was not well-formed", 0, True, True),
    Metric("repaired", "number of answers that were repaired", 0, True, True),
    Metric("statements_generated", "number of stored statements that the model wrote, with evidence for each", 0, True),
    Metric("statements_own_words", "number of stored statements in the user's own words", 0, True),
    Metric("statements_dropped", "number of the model's statements for which there is no evidence", 0, True),
    Metric(
        "memories_with_unsaid_names_or_numbers",
        "share of the memories with a name or a number that nobody said in the conversation",
        -1,
        of_adds=True,
    ),
    Metric("statements_true", "share of the labelled stored statements that readers find true and readable", 1, True),
    Metric(
        "conversations_with_false",
        "share of the conversations with a labelled statement that leave a false one",
        -1,
        True,
    ),
    Metric("words_stored_per_said", "words of the memories over the words of the messages that they came of", 0, True),
    Metric(
        "model_statements_true", "share of the labelled statements of the model itself, ungated, that are true", 1, True
    ),
    Metric("statements", "number of statements in the memories", 0, True),
    Metric("statements_labelled", "number of stored statements that readers have labelled", 0, True),
    Metric("statements_unlabelled", "number of stored statements that nobody has read yet", 0, True),
    Metric("statements_false", "number of labelled stored statements that are false"),
    Metric("statements_garbled", "number of labelled stored statements that say nothing"),
    Metric("conversations_labelled", "number of conversations with a labelled stored statement"),
    Metric("model_statements", "number of statements that the model itself wrote"),
    Metric("model_statements_labelled", "number of them that readers have labelled"),
    Metric("readers_statements", "number of statements that two readers labelled, stored or the model's"),
    Metric("readers_agree", "share of them on which the two readers agree"),
    Metric("readers_kappa", "Cohen's kappa of the two readers"),
    Metric("third_looks", "number of them that a third look decided"),
    Metric(
        "evidence_recall_at_5", "mean share of a question's evidence that is among the first five memories", 1, True
    ),
    Metric(
        "evidence_recall_at_10", "mean share of a question's evidence that is among the first ten memories", 1, True
    ),
    Metric("num_questions", "number of questions that name their evidence", 0, True),
    Metric("num_items", "number of turns or conversations that were added"),
    Metric("by_category", "evidence recall by the questions' category"),
    Metric("decodings", "the same conversations answered freely, as any JSON object, and held to the schema"),
)
"""Every quality metric, the one place that says what each means. `<name>_ci` beside one is its 95% interval."""
BETTER = {m.name: m.better for m in METRICS if m.better}
HEADLINE = tuple(m.name for m in METRICS if m.headline)
OF_ADDS = tuple(m.name for m in METRICS if m.of_adds)

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
