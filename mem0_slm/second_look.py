"""A second look at what an extraction left out.

A small model that reads a long message stores most of what it says and drops or garbles the rest. What it drops shows
where it is a name or a number: then the sentence that holds it is asked for once more, alone, and if that does not
bring it, the clause that holds it; what is new in the answer becomes a memory beside the others. A sentence of which
words are missing even then is quoted behind its memory: nothing gets lost of what was worth storing, and a search finds
it by the user's own words. The model's decision to store nothing stands, and so do custom instructions, which may want
something left out.
"""

import re

from mem0_slm import contract
from mem0_slm.text import claims, parts, unsaid

_SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n")
_CLAUSE = re.compile(r"(?:[,;:–—]|\s-)\s+|\s+(?=(?:and|but|so|because|while|which|who|where|then)\s)")
_CLAUSE_WORDS = 3
"""A clause of fewer words says too little by itself: of "with Mia and Ben", Ben would become the user's own name."""
_USER = "user: "
_STEM = 5
"""Letters in which two forms of a word agree: "Wednesdays" is held by "on Wednesday". A shorter word tells little of
what was said."""
_QUOTE_WORDS = 60
"""A sentence of more words is something pasted, or no sentence: it is not quoted."""


def sentences(messages: list[dict]) -> list[str]:
    """The user's sentences in a compact prompt; none where custom instructions or an agent's prompt decide."""
    if messages[0]["content"] != contract.SYSTEM_PROMPT or contract.CUSTOM_INSTRUCTIONS in messages[1]["content"]:
        return []
    said = [turn.removeprefix(_USER) for turn in contract.turns_of(messages) if turn.startswith(_USER)]
    return list(dict.fromkeys(s.strip() for text in said for s in _SENTENCE.split(text) if s.strip()))


def passages(messages: list[dict]) -> list[list[str]]:
    """What can be asked for again: for each sentence the sentence itself, then its clauses.

    A sentence that is all there is would be answered alike: only its clauses are left.
    """
    said = sentences(messages)
    alone = len(said) == len(contract.turns_of(messages)) == 1
    return [([] if alone else [sentence]) + clauses(sentence) for sentence in said]


def clauses(sentence: str) -> list[str]:
    """The clauses of a sentence, those that can be asked for alone; none of a sentence that is one clause."""
    found = [clause.strip(" ,") for clause in _CLAUSE.split(sentence)]
    return [clause for clause in found if len(clause.split()) >= _CLAUSE_WORDS] if len(found) > 1 else []


def stems(text: str) -> set[str]:
    """The words of a text in a form in which their inflections agree, and its numbers."""
    return {word if word.isdigit() else word[:_STEM] for word in parts(text)}


def missing_claims(passage: str, texts: list[str]) -> list[str]:
    """Names and numbers of a passage that no memory holds."""
    held = stems(" ".join(texts))
    return [claim for claim in claims(passage) if not stems(claim) <= held]


def new_facts(passage: str, answer: list[str], texts: list[str]) -> list[str]:
    """Of what a passage alone was answered with, the facts that hold what was missing and nothing it does not say."""
    found: list[str] = []
    for fact in (part for memory in answer for part in memory.split("; ")):
        left = missing_claims(passage, texts + found)
        if len(missing_claims(passage, [*texts, *found, fact])) < len(left) and not unsaid(fact, passage):
            found.append(fact)
    return found


def with_quotes(messages: list[dict], texts: list[str]) -> list[str]:
    """The memories, a sentence that they hold in part quoted behind the one that has most of it, as the user said it.

    Words of five letters and more count, and numbers. A sentence of which no word is held was not worth storing to the
    model. Behind a memory, not as one of its own: twice as many memories crowd each other out of a search.
    """
    held, behind = [stems(text) for text in texts], [""] * len(texts)
    for sentence in sentences(messages):
        said = {stem for stem in stems(sentence) if len(stem) == _STEM or stem.isdigit()}
        shared = [len(said & stems_) for stems_ in held]
        if any(shared) and not said <= set().union(*held) and len(sentence.split()) <= _QUOTE_WORDS:
            behind[shared.index(max(shared))] += f' ("{sentence}")'
    return [text + quote for text, quote in zip(texts, behind)]
