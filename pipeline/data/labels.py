"""Labels of statements: what readers say of statements that a model really wrote, beside the conversation they are of.

Two files, one form. data/labels/statements.jsonl is of conversations of its own (data/labels/conversations.jsonl): the
rules that decide what may be stored are tuned on one half of them and measured on the other. data/labels/natural.jsonl
is of the natural evaluation set; only the report's measures of truth read it, nothing is tuned on it. A label is kept
by conversation and statement, so a new model needs only its new statements read.
"""

import collections
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mem0_slm import io

FOLDER = Path("data/labels")
CONVERSATIONS = FOLDER / "conversations.jsonl"
STATEMENTS = FOLDER / "statements.jsonl"
NATURAL = FOLDER / "natural.jsonl"

LABELS = {
    "true": "It follows from what the user said, and can be read.",
    "false": "Somebody who reads it alone believes something that the user did not say.",
    "garbled": "It says nothing that can be understood.",
}
"""What a statement can be, and when."""
KINDS = {
    "another_person": "what somebody else is, has or did is said of the user",
    "question_as_fact": "what was asked or asked for is said to be so",
    "polarity": "a no became a yes, or a yes a no",
    "subject_swapped": "the deed or thing of one is given to another, or its owner changed",
    "middle_dropped": "words left out between two parts join what does not belong together",
    "kin_or_quantity": "another relation, number, unit or size than was said",
    "planned_as_done": "what is planned, wished, considered or supposed is said to be so",
    "assistants_words": "what only the assistant said is said of the user",
    "half_sentence": "what was said is cut off where it says something else, or nothing",
    "invented": "nobody said anything of the kind",
    "garbled": "words that no longer make a sentence",
    "other": "none of these",
}
"""In which way a statement is not true."""


@dataclass(frozen=True)
class Label:
    """What became of a statement that two people read, each without the other's label."""

    conversation: str
    """The conversation's id."""
    statement: str
    """As the model wrote it, or as it was stored."""
    label: str
    """One of `LABELS`."""
    kind: str
    """One of `KINDS`; "" of a true one."""
    first: str
    """The first reader's label."""
    second: str
    """The second reader's."""
    decided: bool
    """Whether a third look decided, since the two differed."""
    model: str
    """Short hash of the first model that wrote it."""

    @property
    def key(self) -> tuple[str, str]:
        """What the label is kept by."""
        return self.conversation, self.statement

    @property
    def held_out(self) -> bool:
        """Whether nothing may be tuned on it."""
        return held_out(self.conversation)


def held_out(conversation: str) -> bool:
    """Whether a conversation is of the half that measures, by its id: all its statements lie on one side."""
    return hashlib.sha256(conversation.encode()).digest()[0] % 2 == 1


def read_conversations(path: Path | str = CONVERSATIONS) -> dict[str, list[dict]]:
    """Messages by conversation, of labelled conversations or of an evaluation set.

    Raises DataError naming file, line, key and what was found.
    """
    found: dict[str, list[dict]] = {}
    for place, row in _rows(path, {"id": str, "messages": list}):
        if row["id"] in found:
            raise io.DataError(f"{place}: id {row['id']!r} stands twice. Give one of the two another.")
        for message in row["messages"] or [None]:
            if not isinstance(message, dict) or not all(isinstance(message.get(k), str) for k in ("role", "content")):
                raise io.DataError(
                    f"{place}: key 'messages' must be a list of {{role, content}}, with at least one, found {message!r}"
                )
        found[row["id"]] = row["messages"]
    return found


def read_labels(path: Path | str, conversations: Iterable[str] | None = None) -> list[Label]:
    """The labels of a file; `conversations` are those that a label may be of, None for any.

    Raises DataError naming file, line, key, the value found and what would be right.
    """
    required = {name: bool if name == "decided" else str for name in Label.__annotations__}
    known, found = None if conversations is None else set(conversations), {}
    for place, row in _rows(path, required):
        if wrong := why_wrong(row):
            raise io.DataError(f"{place}: {wrong}")
        label = Label(**row)
        if label.key in found:
            raise io.DataError(f"{place}: {label.statement!r} of {label.conversation} has a label already. Delete one.")
        if known is not None and label.conversation not in known:
            raise io.DataError(
                f"{place}: key 'conversation': {label.conversation!r} is none of those that are labelled."
            )
        found[label.key] = label
    return list(found.values())


def write_labels(path: Path | str, labels: Iterable[Label]) -> None:
    """Write a file of labels in the order of its conversations and statements, so that a diff shows what is new."""
    io.write_jsonl(path, [asdict(label) for label in sorted(labels, key=lambda label: label.key)])


def why_wrong(row: dict) -> str:
    """What is wrong with the values of a line of a label file, "" for nothing. Their types have been looked at."""
    if unknown := sorted(set(row) - set(Label.__annotations__)):
        return f"unknown key {unknown[0]!r}. Remove it or use one of {', '.join(Label.__annotations__)}"
    for name in ("conversation", "statement", "model"):
        if not row[name].strip():
            return f"key {name!r} must not be empty"
    for name in ("label", "first", "second"):
        if row[name] not in LABELS:
            return f"key {name!r} must be one of {', '.join(LABELS)}, found {row[name]!r}"
    if wrong := wrong_kind(row["label"], row["kind"]):
        return wrong
    differ = row["first"] != row["second"]
    if row["decided"] != differ:
        how = "differ, so a third look decides" if differ else "agree, so no third look decides"
        return f"key 'decided' must be {str(differ).lower()}: the readers {how}"
    if not differ and row["label"] != row["first"]:
        return f"key 'label' must be {row['first']!r}, on which both readers agree, found {row['label']!r}"
    return ""


def wrong_kind(label: str, kind: str) -> str:
    """What is wrong with the kind of a label, "" for nothing."""
    if label == "true":
        return f"key 'kind' must be \"\" of what is true, found {kind!r}" if kind else ""
    if kind not in KINDS:
        return f"key 'kind' must be one of {', '.join(KINDS)}, found {kind!r}"
    if label == "false" and kind == "garbled":
        return "key 'kind' must not be 'garbled' of what is false: where no kind fits, it is 'other'"
    return ""


def agreement(labels: Iterable[Label]) -> dict:
    """How far the two readers agree, named as in pipeline/evaluation/metrics.py; of nothing there is no share.

    kappa is 1 - (1 - agreement) / (1 - agreement by chance); 1 where both gave every statement the same one label.
    """
    pairs = [(label.first, label.second) for label in labels]
    n = len(pairs)
    if not n:
        return {"readers_statements": 0, "third_looks": 0}
    share = sum(a == b for a, b in pairs) / n
    first, second = (collections.Counter(pair[i] for pair in pairs) for i in (0, 1))
    chance = sum(first[name] * second[name] for name in LABELS) / n**2
    return {
        "readers_statements": n,
        "third_looks": sum(a != b for a, b in pairs),
        "readers_agree": round(share, 4),
        "readers_kappa": round(1 - (1 - share) / (1 - chance), 4) if chance < 1 else 1.0,
    }


def _rows(path: Path | str, required: dict[str, type]) -> Iterable[tuple[str, dict]]:
    """The lines of a JSONL file, each with its place for a message."""
    rows = io.read_jsonl(path, required)
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
    return ((f"{path}:{number}", row) for number, row in zip(numbers, rows))
