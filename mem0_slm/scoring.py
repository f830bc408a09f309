"""Retrieval and extraction metrics on plain dicts.

qrels   {query id: {document id: relevance > 0}}       what should be found (BEIR's form)
results {query id: {document id: score}}               what was found; a query that could not be run is absent
"""

import math
import re

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


def retrieval(qrels: dict, results: dict) -> dict:
    """Hits and reciprocal rank over all queries, those that could not be run included as misses.

    precision_at_5 is hits over all queries, as Mem0's users count it: the share of queries with a relevant memory among
    the first five. (It is not the share of the five that are relevant.)
    """
    total = len(qrels)
    ranks = [first_hit(qrels, results, query) for query in qrels]
    hits = {cut: sum(rank is not None and rank <= cut for rank in ranks) for cut in CUTS}
    share = lambda n: round(n / total, 4) if total else 0.0  # noqa: E731
    return {
        "precision_at_5": share(hits[5]),
        "hit_at_1": share(hits[1]),
        "hit_at_3": share(hits[3]),
        "hit_at_10": share(hits[10]),
        "mrr": share(sum(1 / rank for rank in ranks if rank)),
        "num_total_queries": total,
        "num_processed_queries": sum(query in results for query in qrels),
        "num_hits": hits[5],
    }


def normal(text: str) -> str:
    """Text for comparing what is said, not how it is typed: case, spacing and typographic marks aside."""
    for mark, plain in (("’", "'"), ("‘", "'"), ("–", "-"), ("—", "-"), ("\u00a0", " ")):
        text = text.replace(mark, plain)
    return " ".join(text.casefold().split())


def holds(text: str, key: str) -> bool:
    """True if `key` stands in `text` as whole words and numbers: "4" is in neither "42" nor "4,000"."""
    return re.search(r"(?<!\w)(?<!\d[.,:])" + re.escape(normal(key)) + r"(?!\w|[.,:]\d)", normal(text)) is not None


def keys_kept(keys: list[str], memories: list[str]) -> int:
    """How many of an item's key names, numbers and things occur in its memories."""
    return sum(any(holds(memory, key) for memory in memories) for key in keys)


_CLAIM = re.compile(r"\d[\d.,:]*\d|\d|(?<=[\w,'] )[^\W\d_][^\W_]*")
_PART = re.compile(r"\d+|[^\W\d_]+")


def unsaid(memory: str, conversation: str) -> list[str]:
    """Names and numbers of a memory that the conversation does not hold: what a model made up.

    A name is a word with a capital that does not begin the memory; "User" is the contract's own word.
    """
    said = set(_PART.findall(normal(conversation)))  # "5kg" is 5 and kg, as "5 kg" is
    claims = [c for c in _CLAIM.findall(memory) if (c[0].isdigit() or c != c.lower()) and c not in ("User", "Users", "I")]
    return [claim for claim in claims if not set(_PART.findall(normal(claim))) <= said]


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie, by linear interpolation; NaN for none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
