"""What was said, clause by clause: where each stands in its message, and whether it tells something that may be stored.

`clauses` splits a speaker's turns, and each clause gets one of `KINDS`. Nothing here asks a model.
"""

import re
from dataclasses import dataclass, replace

from mem0_slm.said.asking import WH
from mem0_slm.said.asserted import asks_from, asserted, lasting_kind, mentioned, reminded, stands_alone
from mem0_slm.said.confidential import secret_spans
from mem0_slm.said.kinds import (
    LONGEST_CHARACTERS,
    LONGEST_WORDS,
    is_short_answer,
    is_yes_or_no,
    kind_of,
    of_oneself,
    says_something,
)
from mem0_slm.said.languages import is_english, is_question, speaks_of_oneself
from mem0_slm.said.ordering import orders_abroad, small_abroad
from mem0_slm.said.pasted import pasted_spans
from mem0_slm.said.pieces import pieces
from mem0_slm.said.sentences import Word, sentences, trimmed, words_of
from mem0_slm.said.unreal import is_puzzle, leans, makes_up, returns, sets_up

KINDS = (
    "statement",
    "fragment",
    "standing_request",
    "wish",
    "foreign",
    "question",
    "request",
    "small_talk",
    "unreal",
    "pasted",
    "secret",
)
"""What a clause can be.

statement: the speaker says that something is so, with a verb. fragment: says something without one ("budget about
600"). standing_request: how answers are wanted from now on ("never use bullet points"). wish: what
the speaker needs, wants or looks for ("need a tent for two"). foreign: a statement in a
language whose grammar we do not know. question, request: asks for something. small_talk: a greeting, thanks, a filler.
unreal: supposed, conditional, played or invented. pasted: someone else's text, a log, code, an export. secret: a
password, key, PIN, card.
"""
STORABLE = frozenset({"statement", "fragment", "standing_request", "wish", "foreign"})


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


Turns = list[tuple[str, str]]
_MOST_WORDS = 400
"""A sentence longer than that is no sentence: it is not looked into, and pasted."""
_READ_FIRST, _READ_LAST = 16_000, 4_000
"""Characters that are read of a message; nobody types more, and what stands between is someone else's text."""
_PUZZLE = 600
"""Characters that a sum or a puzzle has at most."""
_ASKS = "?？؟"
_ASIDE = re.compile(r"(?<!\d)[,;:(–—] *|(?<=\d)[,;:(–—] +|\s- ")


def clauses(turns: Turns, speaker: str = "user") -> list[Clause]:
    """Every clause of the speaker's turns, in order, those that nothing may be made of too.

    turns are (role, content). Leads and conjunctions ("ok so", "and", "note:") belong to no clause.
    """
    found: list[Clause] = []
    scope, sentence, asked = "", 0, ""
    for number, (role, text) in enumerate(turns):
        if role != speaker:
            asked = last_question(text) if role in ("assistant", "user") else asked
            continue
        told = _Turn(text, scope if scope == "played" or asked else "")
        said = [Clause(text[a:b], number, a, b, sentence + s, kind) for a, b, s, kind in told.clauses()]
        found += _with_questions(said, "" if scope and told.scope else asked)
        sentence += told.sentences
        scope, asked = told.scope if told.scope in ("played", "told") else "", ""
    return [part for clause in found for part in _with_assertions(clause, turns[clause.turn][1])]


def _with_assertions(clause: Clause, turn: str) -> list[Clause]:
    """A question or request cut where it tells something in passing: what it asserts, and what it says somebody has."""
    if clause.kind in ("statement", "fragment") and (cut := asks_from(clause.text)) is not None:
        text, place = clause.text, clause.start
        cuts = [(*trimmed(text, 0, cut), clause.kind), (*trimmed(text, cut, len(text)), "question")]
        return [
            replace(clause, text=text[a:b], start=place + a, end=place + b, kind=kind)
            for a, b, kind in cuts
            if any(char.isalnum() for char in text[a:b])
        ]
    if clause.kind not in ("question", "request", "small_talk") or not is_english(clause.text):
        return [clause]
    if span := reminded(clause.text):
        start, end = span
        text, at_turn = clause.text[start:end], clause.start
        return [replace(clause, text=text, start=at_turn + start, end=at_turn + end, kind="statement")]
    if clause.kind == "small_talk":
        return [clause]
    if clause.kind == "request" and (kind := lasting_kind(clause.text)):
        return [replace(clause, kind=kind)]
    asks = turn[clause.end : clause.end + 1] if turn[clause.end : clause.end + 1] in _ASKS else ""
    spans = [(a, b, "statement") for a, b in asserted(clause.text + asks)]
    spans += [(a, b, k) for a, b, k in _told_aside(clause.text + asks) if all(b <= c or d <= a for c, d, _ in spans)]
    spans += [(a, b, "fragment") for a, b in mentioned(clause.text) if all(b <= c or d <= a for c, d, _ in spans)]
    parts, at = [], 0
    for start, end, kind in [*sorted(spans), (len(clause.text), len(clause.text), "")]:
        for first, last, its_kind in ((at, start, clause.kind), (start, end, kind)):
            a, b = trimmed(clause.text, first, last)
            if any(char.isalnum() for char in clause.text[a:b]):
                text, at_turn = clause.text[a:b], clause.start
                parts.append(replace(clause, text=text, start=at_turn + a, end=at_turn + b, kind=its_kind))
        at = end
    return parts or [clause]


def _told_aside(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) of the pieces of a question or request that by themselves tell something."""
    edges = [0, *(match.end() for match in _ASIDE.finditer(text)), len(text)]
    found = []
    for k in range(1, len(edges) - 1):
        start, end = trimmed(text, edges[k], edges[k + 1])
        piece = text[start:end].rstrip("?？ ")
        words = words_of(piece)
        last = edges[k + 1] == len(text) and text.rstrip().endswith(tuple(_ASKS))
        if len(words) < 2 or last or not stands_alone(text, start, piece):
            continue
        kind = kind_of(words, first=False)
        if kind == "statement" or kind == "fragment" and any(char.isdigit() for char in piece):
            found.append((start, start + len(piece), kind))
    return found


def last_question(text: str) -> str:
    """The last sentence of a text that asks, "" for none."""
    for start, end in reversed(sentences(text)):
        if text[start:end].rstrip('"”») ').endswith(tuple(_ASKS)):
            return text[start:end]
    return ""


class _Turn:
    """One message on its way to clauses, with what its earlier sentences set up for the later ones."""

    def __init__(self, text: str, scope: str) -> None:
        self.text = text
        self.scope = scope
        self.english = is_english(text)
        self.of_oneself = speaks_of_oneself(text)
        self.pasted = pasted_spans(text)
        self.secret = secret_spans(text)
        self.sentences = 0

    def clauses(self) -> list[tuple[int, int, int, str]]:
        """(start, end, sentence of the turn, kind)"""
        found: list[tuple[int, int, int, str]] = []
        for start, end in _cut_at_edges(self.text, _read(self.text), self.pasted):
            parts = self._sentence(start, end)
            found += [(a, b, self.sentences, kind) for a, b, kind in parts]
            self.sentences += bool(parts)
        if is_puzzle(words_of(self.text[:_PUZZLE])):
            found = [(a, b, s, "unreal" if kind in STORABLE else kind) for a, b, s, kind in found]
        return _values_too(self.text, _lone_phrases(self.text, found))

    def _sentence(self, start: int, end: int) -> list[tuple[int, int, str]]:
        if end - start > _READ_LAST:
            return [(start, end, "secret" if any(a < end and start < b for a, b in self.secret) else "pasted")]
        words = words_of(self.text, start, end)
        asks = self.text[start:end].rstrip('"”»)').endswith(tuple(_ASKS))
        if not self.english:
            asks = asks or is_question(self.text[start:end])
            kind = "question" if asks else self._kind_abroad(self.text[start:end])
            return [(start, end, self._fixed(start, end, words) or kind)]
        if len(words) > _MOST_WORDS:
            return [(start, end, self._fixed(start, end, words) or "pasted")]
        if self.scope and returns(words):
            self.scope = ""
        spans = [words[a:b] for a, b in pieces(words)]
        kinds = self._kinds(spans, asks)
        places = [trimmed(self.text, span[0].start, span[-1].end) for span in spans]
        return [(a, b, self._fixed(a, b, span) or kind) for (a, b), span, kind in zip(places, spans, kinds) if a < b]

    def _kind_abroad(self, sentence: str) -> str:
        if orders_abroad(sentence):
            return "request"
        return "foreign" if self.of_oneself and not small_abroad(sentence) else "small_talk"

    def _fixed(self, start: int, end: int, words: list[Word]) -> str:
        if any(a < end and start < b for a, b in self.secret):
            return "secret"
        if any(a < end and start < b and not self._quoted(a, b, start, end) for a, b in self.pasted):
            return "pasted"
        long = end - start > LONGEST_CHARACTERS or sum(w.said[0].isalnum() for w in words) > LONGEST_WORDS
        return "pasted" if long else ""

    def _quoted(self, a: int, b: int, start: int, end: int) -> bool:
        """True for a few quoted words within a clause that is the speaker's own: "he had "put it to bed" again"."""
        return start < a and b <= end and 2 * (b - a) < end - start and self.text[a] in "\"'“‘«"

    def _kinds(self, spans: list[list[Word]], asks: bool) -> list[str]:
        kinds: list[str] = []
        asked_for = False
        for k, span in enumerate(spans):
            last = k == len(spans) - 1
            kind = kind_of(span, first=k == 0, asked=asks and last) if len(span) < 3 * LONGEST_WORDS else "pasted"
            if kind in STORABLE and asks and span[0].said in WH and k:
                kind = "question"
            elif kind in STORABLE and self.scope and (self.scope != "told" or asked_for or not of_oneself(span)):
                kind = "unreal"
            elif kind in STORABLE and kinds and kinds[-1] == "unreal" and self._leans(spans, k):
                kind = "unreal"
            asked_for = asked_for or kind == "request" and makes_up(span, kind)
            self.scope = sets_up(span) or self.scope or ("told" if makes_up(span, kind) else "")
            kinds.append(kind)
        if asks and kinds and kinds[-1] not in ("question", "request", "unreal", "pasted"):
            kinds = ["question" if kind in STORABLE else kind for kind in kinds]
        return kinds

    def _leans(self, spans: list[list[Word]], k: int) -> bool:
        """True if what is supposed goes on; a "but" leads back to what is so: "I wish I could but my leg is broken"."""
        return leans(spans[k - 1]) and not any(
            word.said == "but" for word in words_of(self.text, spans[k - 1][-1].end, spans[k][0].start)
        )


def _read(text: str) -> list[tuple[int, int]]:
    """The sentences of a message. Of a very long one the middle is a single one, which its length makes pasted."""
    if len(text) <= _READ_FIRST + _READ_LAST:
        return sentences(text)
    first, last = text[:_READ_FIRST], text[-_READ_LAST:]
    behind = len(text) - _READ_LAST
    return sentences(first) + [(_READ_FIRST, behind)] + [(a + behind, b + behind) for a, b in sentences(last)]


def _cut_at_edges(text: str, spans: list[tuple[int, int]], pasted: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sentences cut where someone else's text begins or ends behind a mark, so that the words around it stay apart."""
    edges = sorted({edge for span in pasted for edge in span})
    cut, k = [], 0
    for start, end in spans:
        while k < len(edges) and edges[k] <= start:
            k += 1
        while k < len(edges) and edges[k] < end:
            before = text[start : edges[k]].rstrip(" \t\"'“‘«`")
            if not before or before[-1] in ':\n.!?…-–—>`"”»':
                cut.append(trimmed(text, start, edges[k]))
                start = edges[k]
            k += 1
        cut.append(trimmed(text, start, end))
    return [span for span in cut if span[0] < span[1]]


def _lone_phrases(text: str, found: list[tuple[int, int, int, str]]) -> list[tuple[int, int, int, str]]:
    """Phrases without a verb that tell nothing by themselves keep their kind only beside something that does."""
    told = {s for _, _, s, kind in found if kind == "statement"}
    settled = []
    for a, b, s, kind in found:
        if kind == "fragment":
            words = words_of(text, a, b)
            if not says_something(words) and not told & {s - 1, s, s + 1}:
                kind = "lone"
        settled.append((a, b, s, kind))
    return settled


def _values_too(text: str, found: list[tuple[int, int, int, str]]) -> list[tuple[int, int, int, str]]:
    """What stands alone behind a secret is its value."""
    settled: list[tuple[int, int, int, str]] = []
    for a, b, s, kind in found:
        bare = len(text[a:b].split()) <= 2 and any(char.isdigit() for char in text[a:b])
        if settled and settled[-1][3] == "secret" and bare:
            kind = "secret"
        settled.append((a, b, s, kind))
    return settled


def _with_questions(said: list[Clause], asked: str) -> list[Clause]:
    """The clauses with the question that the first ones answer; a phrase that neither answers nor tells is a query."""
    answered, open_ = [], bool(asked)
    for clause in said:
        words = words_of(clause.text)
        kind, question = clause.kind, ""
        if open_ and (kind in ("fragment", "lone") or kind == "small_talk" and is_yes_or_no(words)):
            kind, question = "fragment", asked
        elif open_ and kind in STORABLE and is_short_answer(words):
            question = asked
        elif kind == "lone":
            kind = "small_talk" if len(words) <= 3 else "question"
        if kind != "small_talk" and not question:
            open_ = False
        answered.append(replace(clause, kind=kind, asked=question))
    return answered
