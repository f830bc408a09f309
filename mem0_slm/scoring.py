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


RESAMPLES = 10_000
"""Bootstrap resamples of every interval and paired test."""


def interval(values: list[float], seed: int = 0) -> list[float]:
    """The 95% interval of the mean of `values`, one an item: percentile bootstrap over items. [0, 0] for none."""
    import numpy as np

    if not values:
        return [0.0, 0.0]
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.asarray(values, float)[drawn].mean(axis=1), [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]


def paired(ours: list[bool], theirs: list[bool], seed: int = 0) -> dict:
    """Two candidates on the same queries: the difference of their hit shares with its 95% interval (bootstrap over
    queries), how many queries only one of them hit, and McNemar's exact two-sided p of so uneven a split by chance."""
    import scipy.stats

    if len(ours) != len(theirs):
        raise ValueError(f"a paired test needs the same queries: {len(ours)} and {len(theirs)} given")
    only_ours = sum(a and not b for a, b in zip(ours, theirs))
    only_theirs = sum(b and not a for a, b in zip(ours, theirs))
    differences = [float(a) - float(b) for a, b in zip(ours, theirs)]
    split = only_ours + only_theirs
    p = scipy.stats.binomtest(only_ours, split).pvalue if split else 1.0
    return {
        "n": len(ours),
        "difference": round(sum(differences) / len(ours), 4) if ours else 0.0,
        "ci": interval(differences, seed),
        "only_ours": only_ours,
        "only_theirs": only_theirs,
        "p": round(float(p), 6),
    }


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


def parts(text: str) -> set[str]:
    """The words and numbers of a text, in lower case: "5kg" is 5 and kg, as "5 kg" is."""
    return set(_PART.findall(normal(text)))


def claims(text: str) -> list[str]:
    """Names and numbers of a text. A name is a word with a capital that does not begin the text; "User" is the contract's own word."""
    return [c for c in _CLAIM.findall(text) if (c[0].isdigit() or c != c.lower()) and c not in ("User", "Users", "I")]


def unsaid(memory: str, conversation: str) -> list[str]:
    """Names and numbers of a memory that the conversation does not hold: what a model made up."""
    said = parts(conversation)
    return [claim for claim in claims(memory) if not parts(claim) <= said]


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie, by linear interpolation; NaN for none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
