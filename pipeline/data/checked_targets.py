"""What training teaches to store, held against what was said by the rules of the gate (mem0_slm/grounding.py).

A served model's false statements are kept out by that gate; a model that other servers run has only what it learned. So
a statement that does not follow from what was said is not taught: the user's own clause in third person is, which the
gate would store in its place. A conversation with a statement of which the gate would store nothing (it was asked,
supposed, pasted) is left out. What the gate would quote, since its rules cannot turn it into third person, is taught as
it was written and counted as unjudged; strictly, it is left out too, but for answers and other fragments ("two cats"),
which have no verb for a rule to go by.

Each hand-written conversation is checked once, with one value for each slot, and all its fillings are then alike. Two
kinds are not checked: what an agent is told and says, of which the gate asks other things than of a user's facts, and
conversations with custom instructions, where one clause may hold what must and what must not be stored.
"""

import collections
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from mem0_slm.following.backing import Backing
from mem0_slm.grounding import ground, split
from mem0_slm.io import DataError
from mem0_slm.own_words import Span, stems
from mem0_slm.said.clauses import clauses
from mem0_slm.text import unsaid
from pipeline.data.frames import Frame
from pipeline.data.slots import Values

COUNTED = ("targets_checked", "targets_repaired", "targets_unjudged", "examples_left_out_by_gate")
"""Statements; those replaced; those taught though the rules cannot judge them; conversations."""
QUOTED = re.compile(r'\bsaid "')
"""How the gate stores the user's own words where it does not turn them into third person."""
POINTING = re.compile(r"(?:he|she|it|they|his|her|its|their|this|that|these|those)\b", re.IGNORECASE)
"""How a statement begins that only makes sense behind another."""
WORDS = 30
"""Most words of what is taught in a statement's place: a target stays short."""
HELD = 0.6
"""Least share of a statement's telling words that what is taught in its place has."""
AWKWARD = re.compile(r"[.,] |[.]$| and |/")
"""What of a value a rule could take for the end of a clause: such a value would decide for all others."""
FILLINGS = 200
"""How often a conversation is filled until its values are plain and can be told from the words around them."""

Turns = Sequence[tuple[str, str]]
"""(role, content) in order."""


class Verdict(NamedTuple):
    """What may be taught in place of a statement."""

    kind: str
    """true: itself, it follows from what was said. repaired: the user's clause. verbless: itself, made of a fragment.
    unsure: itself, where the rules have no clause in third person that says as much. refused: nothing."""
    spans: frozenset[Span] = frozenset()
    """Where it was said."""


class Said:
    """A conversation, and from which of the user's clauses a statement follows."""

    def __init__(self, turns: Turns):
        self.turns = list(turns)
        self.clauses = clauses(self.turns)
        self.verbless = {(c.turn, c.start) for c in self.clauses if c.kind != "statement" or c.asked}
        self.backing = Backing(self.clauses, self.turns)

    def judged(self, statement: str) -> Verdict:
        """What may be taught in place of one statement."""
        places = self.backing.of(statement)
        if places:
            backing = (self.clauses[i] for i in places)
            return Verdict("true", frozenset(Span(c.turn, c.start, c.end, c.text) for c in backing))
        found = ground([statement], self.turns, selective=True).statements
        spans = frozenset(span for one in found for span in one.evidence)
        if not found:
            return Verdict("refused")
        text = " ".join(one.text for one in found)
        if found[0].origin == "generated" or statement in text:
            return Verdict("true", spans)
        if _as_good(text, statement):
            return Verdict("repaired", spans)
        return Verdict("verbless" if self.verbless & {(s.turn, s.start) for s in spans} else "unsure", spans)


def taught(
    statements: Iterable[str], turns: Turns, strict: bool = False
) -> tuple[list[str] | None, collections.Counter]:
    """What may be taught of the statements about a conversation, in the order in which it was said, None where it is
    left out; and how many there are of each kind of verdict.

    strict: whether it is left out where a statement is unsure, too.
    """
    said = Said(turns)
    verdicts = {statement: said.judged(statement) for statement in split(statements)}
    kinds = collections.Counter(verdict.kind for verdict in verdicts.values())
    if kinds["refused"] or (strict and kinds["unsure"]):
        return None, kinds
    # together, so that no clause stands there twice
    instead = ground([s for s, v in verdicts.items() if v.kind == "repaired"], said.turns, selective=True).statements
    if any(QUOTED.search(one.text) for one in instead):
        return None if strict else list(verdicts), kinds
    unchanged = sum(one.text in verdicts for one in instead)
    kinds += collections.Counter(true=unchanged)
    kinds -= collections.Counter(repaired=unchanged)
    covered = {span for one in instead for span in one.evidence}
    kept = {s: v.spans for s, v in verdicts.items() if v.kind != "repaired" and not v.spans <= covered}
    places = {s: max((span.turn, span.start) for span in spans) for s, spans in kept.items()}
    places |= {one.text: max((span.turn, span.start) for span in one.evidence) for one in instead}
    return sorted(places, key=lambda text: places[text]), kinds


def _as_good(text: str, statement: str) -> bool:
    """Whether the user's own words make as good a target as the statement that they stand for."""
    wanted = stems(statement)
    return (
        not QUOTED.search(text)
        and len(text.split()) <= WORDS
        and not unsaid(statement, text)
        and len(wanted & stems(text)) >= HELD * len(wanted)
        and bool(POINTING.match(statement) or not POINTING.match(text))
    )


def checked(
    groups: Iterable[list[Frame]], seed: int, strict: bool = False
) -> tuple[list[list[Frame]], dict[str, dict[str, int]]]:
    """Each group of frames with what may be taught of them, and `COUNTED` by source file.

    Raises DataError for a frame whose values cannot be told from its words.
    """
    values = Values("train", seed)
    counts: dict[str, collections.Counter] = {name: collections.Counter() for name in COUNTED}
    kept = [[found for frame in frames if (found := _checked(frame, values, strict, counts))] for frames in groups]
    return kept, {name: dict(sorted((+found).items())) for name, found in counts.items()}


def _checked(frame: Frame, values: Values, strict: bool, counts: dict[str, collections.Counter]) -> Frame | None:
    """A frame with what may be taught of it; None where it is left out."""
    if frame.agent or frame.instructions or not frame.memories:
        return frame
    filled, chosen = _filled(frame, values)
    n, file = len(frame.turns), frame.place.partition(":")[0]
    texts, kinds = taught(filled[n:], [(role, text) for (role, _), text in zip(frame.turns, filled)], strict)
    counts["targets_checked"][file] += kinds.total()
    if texts is None:
        counts["examples_left_out_by_gate"][file] += 1
        return None
    counts["targets_repaired"][file] += kinds["repaired"]
    counts["targets_unjudged"][file] += kinds["verbless"] + kinds["unsure"]
    return replace(frame, memories=[_with_slots(text, chosen) for text in texts], superfluous=frozenset())


def _filled(frame: Frame, values: Values) -> tuple[list[str], dict[str, str]]:
    """A frame's turns and memories with plain values that stand nowhere but in its slots, and those values."""
    texts = [text for _, text in frame.turns] + frame.memories
    for _ in range(FILLINGS):
        filled, chosen = values.fill(texts)
        if not any(AWKWARD.search(value) for value in chosen.values()) and texts == [
            _with_slots(text, chosen) for text in filled
        ]:
            return filled, chosen
    raise DataError(f"{frame.place}: no values found for its slots that can be told from the words around them")


def _with_slots(text: str, chosen: dict[str, str]) -> str:
    """A text with slots in place of the values, also where one begins a sentence and got a capital."""
    slots = {value[:1].upper() + value[1:]: slot for slot, value in chosen.items()}
    slots |= {value: slot for slot, value in chosen.items()}
    if not slots:
        return text
    longest_first = "|".join(re.escape(value) for value in sorted(slots, key=len, reverse=True))
    return re.sub(longest_first, lambda match: slots[match.group(0)], text)
