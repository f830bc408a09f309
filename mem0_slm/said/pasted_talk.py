"""A message in lines and paragraphs, and where its sender speaks to the other side."""

from bisect import bisect_right
from itertools import groupby
from typing import NamedTuple

from mem0_slm.said.pasted_lines import OWN_PERSON, RESTART


class Line(NamedTuple):
    """A line of a message and the characters that it takes."""

    start: int
    end: int
    text: str


def lines_of(text: str) -> list[Line]:
    """All lines of a text, empty ones too."""
    lines, at = [], 0
    for line in text.split("\n"):
        lines.append(Line(at, at + len(line), line))
        at += len(line) + 1
    return lines


def paragraphs(lines: list[Line]) -> list[range]:
    """The lines of each paragraph."""
    runs = groupby(range(len(lines)), key=lambda index: bool(lines[index].text.strip()))
    found = [list(indexes) for filled, indexes in runs if filled]
    return [range(indexes[0], indexes[-1] + 1) for indexes in found]


def restarts(lines: list[Line]) -> list[int]:
    """Lines that begin a paragraph and with which the sender may be speaking again after somebody's text.

    That is with words to the other side, or without a capital where the text has them.
    """
    parts = paragraphs(lines)
    found = []
    for before, run in zip(parts, parts[1:]):
        first, earlier = lines[run[0]].text.lstrip(), lines[before[-1]].text.strip()
        careless = first[:1].islower() and not earlier[:1].islower() and not earlier.endswith((",", ":"))
        if careless or RESTART.match(first):
            found.append(run[0])
    return found


def personal(lines: list[Line]) -> list[int]:
    """Lines that begin a paragraph with a word for oneself, where the paragraph before has none."""
    parts = paragraphs(lines)
    own = [any(OWN_PERSON.search(lines[index].text[:500]) for index in run) for run in parts]
    return [
        run[0]
        for run, mine, earlier in zip(parts[1:], own[1:], own)
        if mine and not earlier and _early(lines[run[0]].text)
    ]


def _early(line: str) -> bool:
    return OWN_PERSON.search(line[:40]) is not None


def after(indexes: list[int], at: int, end: int) -> int:
    """The first of the sorted `indexes` behind `at`, or `end`."""
    found = bisect_right(indexes, at)
    return indexes[found] if found < len(indexes) else end


def talk(line: str) -> bool:
    """True for a line that a person says to the other side, not one of a text."""
    return bool(RESTART.match(line) or OWN_PERSON.search(line[:200])) or line.rstrip().endswith("?")
