"""The items of an evaluation set."""

from dataclasses import dataclass, field
from pathlib import Path

from mem0_slm import io


@dataclass(frozen=True)
class EvalItem:
    """A conversation, and what must be found of it again. Without a query it is small talk, nothing to store."""

    id: str
    messages: list[dict]
    """Chat messages, each with `role` and `content`."""
    query: str | None = None
    """What is searched for afterwards; None for small talk."""
    keys: list[str] = field(default_factory=list)
    """Names, numbers and things that its memories must keep; the first of them is the query's answer."""
    facts: list[str] = field(default_factory=list)
    """What a perfect extraction would store. For readers: no metric uses it."""
    values: list[str] = field(default_factory=list)
    """What its slots were filled with; training must not use these."""
    user: str | None = None
    """Whose memories the item belongs to; None where all items of the set have the same user."""

    def row(self) -> dict:
        """The item as a line of data/eval.jsonl or data/natural.jsonl, where all items have the same user."""
        return {name: getattr(self, name) for name in ("id", "messages", "query", "keys", "facts", "values")}


def read_eval_items(path: Path, limit: int = 0) -> list[EvalItem]:
    """The items of a file that generate_dataset wrote. limit: so many conversations and pieces of small talk; 0: all.

    Raises DataError naming file, line and key for what is no item.
    """
    rows = io.read_jsonl(path, {"id": str, "messages": list, "keys": list})
    items = [EvalItem(**row) for row in rows]
    if limit:
        items = [i for i in items if i.query][:limit] + [i for i in items if not i.query][:limit]
    return items
