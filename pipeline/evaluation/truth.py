"""What of a model's statements is true, by the labels that readers gave them (pipeline/data/labels.py)."""

from collections.abc import Callable, Iterable

from mem0_slm.answers import classify
from mem0_slm.grounding import split
from mem0_slm.text import words
from pipeline.data.eval_items import EvalItem
from pipeline.data.labels import KINDS, Label, agreement
from pipeline.evaluation.statistics import binomial_interval


def stored(row: dict) -> list[str]:
    """The statements that were stored of an item (a line of reports/items_<candidate>.jsonl).

    Without the gate the event has none: they are those of its memories.
    """
    return [s["text"] for s in row.get("statements", [])] or split(row["memories"])


def written(row: dict) -> list[str]:
    """The statements that the model itself wrote of an item, none where no model was asked."""
    return split(classify(row["answer"]).texts) if row.get("answer") else []


def truth(rows: list[dict], items: list[EvalItem], labels: Iterable[Label], uses_llm: bool) -> dict:
    """The metrics of truth of one candidate, named as in pipeline/evaluation/metrics.py.

    rows: the lines of reports/items_<candidate>.jsonl that are of `items`. A share of which no statement is labelled is
    left out. Raw messages have no statements: of them there is no more than their words.
    """
    own = {row["id"]: row for row in rows}
    facts = [item for item in items if item.query]
    said = sum(len(words(m["content"])) for item in facts for m in item.messages)
    held = sum(len(words(memory)) for item in facts for memory in own[item.id]["memories"])
    metrics = {"words_stored_per_said": round(held / said, 4) if said else 0.0}
    if not uses_llm:
        return metrics
    known = {label.key: label for label in labels}
    kept = {row["id"]: stored(row) for row in rows}
    read = {id: [known[id, s] for s in statements if (id, s) in known] for id, statements in kept.items()}
    used = [label for found in read.values() for label in found]
    with_labels = [found for found in read.values() if found]
    metrics |= {
        "statements": sum(len(statements) for statements in kept.values()),
        "statements_labelled": len(used),
        "statements_unlabelled": sum(len(statements) for statements in kept.values()) - len(used),
        "statements_false": sum(label.label == "false" for label in used),
        "statements_garbled": sum(label.label == "garbled" for label in used),
        "conversations_labelled": len(with_labels),
        **_share("statements_true", [label.label == "true" for label in used]),
        **_share("conversations_with_false", [any(x.label == "false" for x in found) for found in with_labels]),
    }
    raw = [(row["id"], statement) for row in rows for statement in written(row)]
    own_labels = [known[key] for key in raw if key in known]
    metrics |= {
        "model_statements": len(raw),
        "model_statements_labelled": len(own_labels),
        **_share("model_statements_true", [label.label == "true" for label in own_labels]),
    }
    return metrics | agreement({label.key: label for label in used + own_labels}.values())


def gate(labels: list[Label], follows: Callable[[Label], bool]) -> dict:
    """How well a rule that lets statements through agrees with the readers, by half of the conversations.

    follows: whether the rule lets a statement through. Gives for "tuning" and "held_out": conversations, statements,
    how many are true, let through, and both; precision (of those let through the share that is true) and recall (of
    those that are true the share let through), each with its interval where it is of anything; and of those let
    through that are not true how many there are of each kind.
    """
    found = {}
    for half, is_held_out in (("tuning", False), ("held_out", True)):
        own = [label for label in labels if label.held_out == is_held_out]
        verdicts = [(label.label == "true", follows(label)) for label in own]
        wrong = [label.kind for label, (true, passes) in zip(own, verdicts) if passes and not true]
        found[half] = {
            "conversations": len({label.conversation for label in own}),
            "statements": len(own),
            "true": sum(true for true, _ in verdicts),
            "let_through": sum(passes for _, passes in verdicts),
            "let_through_true": sum(true and passes for true, passes in verdicts),
            **_share("precision", [true for true, passes in verdicts if passes]),
            **_share("recall", [passes for true, passes in verdicts if true]),
            "let_through_not_true": {kind: wrong.count(kind) for kind in KINDS if kind in wrong},
        }
    return found


def _share(name: str, values: list[bool]) -> dict:
    """The share that holds, and its interval; nothing of nothing."""
    if not values:
        return {}
    return {name: round(sum(values) / len(values), 4), f"{name}_ci": binomial_interval(sum(values), len(values))}
