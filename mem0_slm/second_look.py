"""A second look at what an extraction left out.

A small model that reads a long message stores most of what it says and drops the rest. What it drops shows where it is a
name or a number: then the sentence that holds it is asked for once more, alone, and what is new in the answer becomes a
memory beside the others. The model's decision to store nothing stands, and so do custom instructions, which may want
something left out.
"""

import re

from mem0_slm import contract, scoring

_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n")
_USER = "user: "
_STEM = 5
"""Letters in which two forms of a word agree: "Wednesdays" is held by "on Wednesday"."""


def sentences(messages: list[dict], texts: list[str]) -> list[str]:
    """The user's sentences in a compact prompt that have a name or a number which none of the memories `texts` holds.

    None where nothing was stored, where custom instructions or an agent's prompt decide what is stored, and none that is
    all there is: asked again, it would be answered alike.
    """
    if not texts or messages[0]["content"] != contract.SYSTEM_PROMPT or contract.CUSTOM_INSTRUCTIONS in messages[1]["content"]:
        return []
    turns = contract.turns_of(messages)
    said = [s.strip() for turn in turns if turn.startswith(_USER) for s in _SENTENCE.split(turn.removeprefix(_USER)) if s.strip()]
    if len(said) == len(turns) == 1:
        return []
    return [s for s in dict.fromkeys(said) if missing(s, texts)]


def missing(sentence: str, texts: list[str]) -> list[str]:
    """Names and numbers of a sentence that no memory holds."""
    held = {word[:_STEM] for text in texts for word in scoring.parts(text)}
    return [claim for claim in scoring.claims(sentence) if not {word[:_STEM] for word in scoring.parts(claim)} <= held]


def news(sentence: str, answer: list[str], texts: list[str]) -> list[str]:
    """Of the memories that a sentence alone was answered with, the facts that hold what was missing and nothing that it does not say."""
    found: list[str] = []
    for fact in (part for memory in answer for part in memory.split("; ")):
        left = missing(sentence, texts + found)
        if len(missing(sentence, [*texts, *found, fact])) < len(left) and not scoring.unsaid(fact, sentence):
            found.append(fact)
    return found
