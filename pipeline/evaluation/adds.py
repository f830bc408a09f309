"""What became of an evaluation's adds and searches."""

from dataclasses import dataclass, field

from mem0_slm.extraction import Event
from mem0_slm.grounding import Statement
from pipeline.data.evalsets import Question


@dataclass(frozen=True)
class Added:
    """What became of one item's add."""

    id: str
    """The item's."""
    memories: list[str]
    """What Mem0 stored."""
    seconds: float
    """What the add took, its waiting for the engine included."""
    error: str = ""
    """The exception that Mem0 raised, "" for none."""
    event: Event | None = None
    """How the extraction ended; None where no model was asked, or not through our provider."""

    @property
    def outcome(self) -> str:
        """One of answers.OUTCOMES."""
        return self.event.outcome if self.event else "engine_error" if self.error else "stored"

    def row(self) -> dict:
        """The add as a line of reports/items_<candidate>.jsonl: what it gave, and nothing that a clock measured."""
        row = {"id": self.id, "memories": self.memories, "error": self.error, "outcome": self.outcome}
        if not self.event:
            return row
        counted = ("answer", "repaired", "prompt_tokens", "output_tokens")
        row |= {name: getattr(self.event, name) for name in counted}
        return row | {
            "statements": [_statement(s) for s in self.event.statements],
            "dropped": list(self.event.dropped),
        }


def _statement(statement: Statement) -> dict:
    """A stored statement, where it comes from, and the places in the messages from which it follows."""
    places = [{"turn": span.turn, "start": span.start, "end": span.end} for span in statement.evidence]
    return {"text": statement.text, "origin": statement.origin, "evidence": places}


@dataclass(frozen=True)
class Asked:
    """What a question that names its evidence found."""

    question: Question
    ranked: list[str]
    """The items that the memories found came from, best first; an item stands once for each of its memories."""
    seconds: float
    """What the search took."""


@dataclass(frozen=True)
class Evaluation:
    """One candidate on one evaluation set."""

    quality: dict
    """Metrics by the names of pipeline/evaluation/metrics.py."""
    speed: dict
    """Adds a second, and percentiles of the seconds of adds and searches."""
    adds: list[Added]
    first_hits: dict[str, int | None] = field(default_factory=dict)
    """By the id of each item with a query: the rank, from 1, of its first hit; None for none."""

    def rows(self) -> list[dict]:
        """A line for each item, with its `first_hit` where it has a query."""
        return [
            added.row() | ({"first_hit": self.first_hits[added.id]} if added.id in self.first_hits else {})
            for added in self.adds
        ]
