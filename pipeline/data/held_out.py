"""The evaluation sets, and what training must not repeat of them."""

import collections
import re
from pathlib import Path

from mem0_slm import io
from mem0_slm.text import words
from pipeline.data.eval_items import EvalItem
from pipeline.data.slots import Values

EVAL_KEYS = {"id": str, "messages": list, "facts": list, "keys": list}


def evaluation_set(path: Path, values: Values) -> list[EvalItem]:
    """Read an evaluation file and fill its slots, each item with values of its own.

    Raises DataError naming file and item when a key does not occur in the item's messages.
    """
    items = []
    for row in io.read_jsonl(path, EVAL_KEYS):
        texts = [m["content"] for m in row["messages"]]
        filled, chosen = values.fill([*texts, *row["facts"], *row["keys"], row.get("query") or ""])
        n, f = len(texts), len(row["facts"])
        item = EvalItem(
            id=row["id"],
            messages=[{"role": m["role"], "content": text} for m, text in zip(row["messages"], filled)],
            facts=filled[n : n + f],
            keys=filled[n + f : -1],
            query=filled[-1] or None,
            values=sorted(chosen.values()),
        )
        said = " ".join(filled[:n]).casefold()
        for key in item.keys:
            if key.casefold() not in said:
                raise io.DataError(f"{path}: item {item.id}: key {key!r} does not occur in its messages")
        items.append(item)
    return items


def ngrams(text: str, n: int) -> set[tuple]:
    """The runs of `n` words of a text."""
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


class Reserved:
    """What training must not repeat of the evaluation sets: values and distinctive keys, names, runs of words."""

    RUN = 6
    """Words in a row that count as a phrasing."""

    def __init__(self, items: list[EvalItem]):
        phrases, self.runs = set(), set()
        for item in items:
            phrases.update(item.values)
            phrases.update(key for key in item.keys if self._distinctive(key))
            for message in item.messages:
                self.runs |= ngrams(message["content"], self.RUN)
        self.phrases: dict[str, set] = collections.defaultdict(set)
        for phrase in phrases:
            found = tuple(words(phrase))
            if found:
                self.phrases[found[0]].add(found)

    @staticmethod
    def _distinctive(key: str) -> bool:
        """A telling key: two words or more, a proper name, a number of three digits or more, a rare word."""
        return len(words(key)) > 1 or key[:1].isupper() or len(re.sub(r"\D", "", key)) > 2 or len(key) > 7

    def repeats(self, texts: list[str]) -> str | None:
        """What of the evaluation the texts of a training example repeat: "value", "phrasing" or None."""
        for text in texts:
            found = words(text)
            for i, word in enumerate(found):
                if any(tuple(found[i : i + len(phrase)]) == phrase for phrase in self.phrases.get(word, ())):
                    return "value"
            if ngrams(text, self.RUN) & self.runs:
                return "phrasing"
        return None
