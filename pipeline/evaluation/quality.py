"""The quality metrics of one candidate on one evaluation set, named as in pipeline/evaluation/metrics.py."""

import collections

from mem0_slm import contract
from mem0_slm.answers import OUTCOMES
from mem0_slm.text import unsaid
from pipeline.data.eval_items import EvalItem
from pipeline.evaluation.adds import Added, Asked
from pipeline.evaluation.metrics import evidence_recall, keys_kept, retrieval
from pipeline.evaluation.statistics import interval


def recall(asked: list[Asked]) -> dict:
    """Evidence recall of questions, over all (with 95% intervals) and by category."""
    by_category = {category: {} for category in sorted({a.question.category for a in asked})}
    metrics = {"num_questions": len(asked), "by_category": by_category}
    for cut in (5, 10):
        shares = [evidence_recall(a.question.evidence, a.ranked, cut) for a in asked]
        metrics[f"evidence_recall_at_{cut}"] = _share(sum(shares), len(shares))
        metrics[f"evidence_recall_at_{cut}_ci"] = interval(shares)
        for category, figures in by_category.items():
            own = [share for a, share in zip(asked, shares) if a.question.category == category]
            figures |= {"num_questions": len(own), f"recall_at_{cut}": _share(sum(own), len(own))}
    return metrics


def quality(items: list[EvalItem], adds: list[Added], qrels: dict, results: dict, uses_llm: bool) -> dict:
    """All quality metrics of one candidate on one evaluation set; `adds` are those of `items`."""
    memories = {added.id: added.memories for added in adds}
    facts = [i for i in items if i.query]
    small_talk = [i for i in items if not i.query]
    keys = sum(len(i.keys) for i in facts)
    metrics = retrieval(qrels, results) | {
        "keys_kept": _share(sum(keys_kept(i.keys, memories[i.id]) for i in facts), keys),
        "num_keys": keys,
        "small_talk_stored": _share(sum(bool(memories[i.id]) for i in small_talk), len(small_talk)),
        "num_small_talk": len(small_talk),
        "memories_per_item": round(sum(len(memories[i.id]) for i in facts) / max(len(facts), 1), 3),
        "facts_missed": sum(not memories[i.id] for i in facts),
    }
    return metrics | (extraction_quality(items, adds) if uses_llm else {})


def extraction_quality(items: list[EvalItem], adds: list[Added]) -> dict:
    """What the extractions of a set's adds were."""
    outcomes = collections.Counter(added.outcome for added in adds)
    well_formed = outcomes["stored"] + outcomes["nothing"]
    events = [added.event for added in adds if added.event]
    origins = collections.Counter(statement.origin for event in events for statement in event.statements)
    said = {i.id: contract.conversation_of(i.messages) for i in items}
    made_up = [bool(unsaid(memory, said[added.id])) for added in adds for memory in added.memories]
    return {
        "outcomes": {name: outcomes[name] for name in OUTCOMES},
        "valid_json_share": round(well_formed / len(adds), 4),
        "failed_adds": len(adds) - well_formed,
        "repaired": sum(event.repaired for event in events),
        "statements_generated": origins["generated"],
        "statements_own_words": origins["own_words"],
        "statements_dropped": sum(len(event.dropped) for event in events),
        "memories_with_unsaid_names_or_numbers": _share(sum(made_up), len(made_up)),
    }


def _share(part: float, whole: int) -> float:
    """To four digits; 0 of nothing."""
    return round(part / whole, 4) if whole else 0.0
