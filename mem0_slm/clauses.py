"""What was said, clause by clause: where each stands in its message, and whether it tells something that may be stored.

`clauses` splits a speaker's turns, and each clause gets one of `KINDS`. Nothing here asks a model.
"""

from dataclasses import dataclass

KINDS = (
    "statement",
    "fragment",
    "standing_request",
    "foreign",
    "question",
    "request",
    "small_talk",
    "unreal",
    "pasted",
    "secret",
)
"""What a clause can be.

statement: the speaker says that something is so, with a verb. fragment: says something without one ("budget about 600").
standing_request: how answers are wanted from now on ("never use bullet points"). foreign: a statement in a language whose
grammar we do not know. question, request: asks for something. small_talk: a greeting, thanks, a filler. unreal: supposed,
conditional, played or invented. pasted: someone else's text, a log, code, an export. secret: a password, key, PIN, card.
"""
STORABLE = frozenset({"statement", "fragment", "standing_request", "foreign"})


@dataclass(frozen=True)
class Clause:
    """A clause of a turn."""

    text: str
    """As it was said: `turn[start:end]`."""
    turn: int
    """Which turn, from 0."""
    start: int
    end: int
    """The characters of the turn's content that it takes."""
    sentence: int
    """Which sentence of the conversation it belongs to, from 0."""
    kind: str
    """One of `KINDS`."""
    asked: str = ""
    """The question of the other speaker that it answers and without which it says nothing; "" for none."""

    @property
    def storable(self) -> bool:
        return self.kind in STORABLE
