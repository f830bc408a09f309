"""Which lines of a message belong to an exported chat, a letter, an article, a poem or minutes: told by their form."""

import re

from mem0_slm.said.pasted_lines import (
    CHAT,
    COOKING,
    FIELD,
    FORWARD,
    GREETING,
    HEADING,
    LABELS,
    MAIL_HEADER,
    MODAL,
    OWN_PERSON,
    QUANTITY,
    RESTART,
    ROLE,
    ROLES,
    SIGN_OFF,
    SPEAKER_ALONE,
    STAMP_ALONE,
    TITLE,
    WROTE,
)
from mem0_slm.said.pasted_talk import Line, after, paragraphs, talk

_ABSTRACT = re.compile(r"\b(Background|Objectives?|Aims?|Methods?|Design|Results|Findings|Conclusions?|Discussion)\s?:")
_ASKS = re.compile(r"(?:is|are|does|do|can|should|what|what's|how|why|who|where|which|when) ")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_SOUNDS = (
    ("ee", "ea", "ie", "e"),
    ("oo", "ou", "ue", "ew", "u"),
    ("ow", "o", "oa"),
    ("ay", "ey", "ai", "ei"),
    ("y", "igh"),
)
_LAST_SYLLABLE = re.compile(r"([aeiouy]+w?)([^\Waeiouy]*)e?\W*$")


def chat_lines(lines: list[Line]) -> set[int]:
    """Lines of an exported chat or a transcript: with a time and a name, or names by turns."""
    found = {index for index, line in enumerate(lines) if CHAT.match(line.text)}
    stamps = [at for at, line in enumerate(lines) if at not in found and STAMP_ALONE.match(line.text)]
    stamps = [at for at in stamps if at + 1 < len(lines) and lines[at + 1].text.strip() and at + 1 not in stamps]
    if len(stamps) >= 2:
        found.update(stamps)
    labels = []
    shouted = set()
    for index, line in enumerate(lines):
        label = ROLE.match(line.text) if index not in found else None
        name = label.group(1).strip().lower() if label else ""
        if name and name not in FIELD:
            labels.append((index, name))
            if label and label.group(1).isupper() and len(name) > 2:
                shouted.add(name)
    names = {name for _, name in labels}
    by_turns = len(names) < len(labels) and len(names) <= max(3, len(labels) // 2)
    if by_turns or sum(name.rstrip("0123456789") in ROLES for name in names) >= 2 or len(shouted) + bool(found) >= 2:
        found.update(index for index, _ in labels)
    turns = sorted(found)
    for turn, following in zip(turns, [*turns[1:], len(lines)]):  # a turn goes on in the lines below it
        alone = SPEAKER_ALONE.search(lines[turn].text) is not None
        below = turn + 1
        while (
            below < following
            and lines[below].text.strip()
            and (following < len(lines) or (alone and below == turn + 1))
        ):
            found.add(below)
            below += 1
    return found


def letter_lines(lines: list[Line], again: list[int]) -> set[int]:
    """Lines of e-mails, forwarded messages and letters; `again` are the lines with which the sender may go on."""
    headers = {index for index, line in enumerate(lines) if MAIL_HEADER.match(line.text)}
    ends = [index for index, line in enumerate(lines) if SIGN_OFF.match(line.text)]
    found: set[int] = set()
    done = 0
    for start, line in enumerate(lines):
        if start < done:
            continue
        signed = after(ends, start, len(lines))
        greeting = GREETING.match(line.text)
        if greeting:
            begins = bool(greeting["letter"]) or signed < len(lines)
        else:
            marked = FORWARD.match(line.text) or WROTE.search(line.text[:300])
            begins = bool(marked) or (start in headers and (start + 1 in headers or _greeted(lines, start)))
        if begins:
            done = _signed(lines, signed) if signed < len(lines) else after(again, start, len(lines))
            found.update(range(start, done))
    return found


def _greeted(lines: list[Line], at: int) -> bool:
    """True if a greeting stands in one of the lines under line `at`."""
    return any(GREETING.match(line.text) for line in lines[at + 1 : at + 4])


def _signed(lines: list[Line], at: int) -> int:
    """Index behind the name and address under the sign-off in line `at`."""
    end = at + 1
    while end < min(len(lines), at + 6):
        text = lines[end].text
        if len(_WORD.findall(text)) > 6 or talk(text) or (not text.strip() and end > at + 1):
            break
        end += 1
    return end


def _kind(lines: list[Line], headings: int) -> str:
    """What a paragraph is by its form: "heading", "long", "verse", "headed", "legal" or ""."""
    body = "\n".join(line.text for line in lines)
    words = len(_WORD.findall(body))
    first = lines[0].text
    if len(lines) == 1 and words <= 14 and HEADING.match(first):
        return "heading"
    own = OWN_PERSON.search(body) is not None
    if len(set(_ABSTRACT.findall(body))) >= 3 or (not own and words >= 15 and len(LABELS.findall(body)) >= 3):
        return "legal"
    if not own and sum(HEADING.match(line.text) is not None for line in lines) >= 2:
        return "headed"
    if not own and len(MODAL.findall(body)) >= 3:
        return "legal"
    if HEADING.match(first) and len(lines) > 1 and (headings >= 2 or not own):
        return "headed"
    if not own and words >= 25 and words / max(1, len(_SENTENCE_END.findall(body))) >= 13:
        return "long"
    if _verse(lines):
        return "verse"
    if (
        len(lines) == 1
        and words <= 14
        and not own
        and TITLE.match(first)
        and not talk(first)
        and not first.rstrip().endswith((".", ",", "!", ":"))
    ):
        return "title"
    return ""


def without_talk(lines: list[Line], run: range) -> range:
    """A paragraph without the lines at its end in which its sender speaks to the other side."""
    last, capital = run[-1], lines[run[0]].text.lstrip()[:1].isupper()
    while last > run[0]:
        line = lines[last].text.lstrip()
        if not (RESTART.match(line) or (capital and line[:1].islower() and (talk(line) or _ASKS.match(line)))):
            break
        last -= 1
    return range(run[0], last + 1)


def article_lines(lines: list[Line]) -> set[int]:
    """Lines of articles, verses, recipes, CVs, contracts and minutes: told by length, headings and form."""
    found: set[int] = set()
    headings = sum(HEADING.match(line.text) is not None for line in lines)
    parts = [without_talk(lines, run) for run in paragraphs(lines)]
    kinds = [_kind(lines[run[0] : run[-1] + 1], headings) for run in parts]
    longs = kinds.count("long")
    verses = "verse" in kinds
    amounts = sum(QUANTITY.match(line.text) is not None for line in lines)
    recipe = amounts >= 3 and sum(len(COOKING.findall(line.text)) for line in lines) >= 2
    for index, (run, kind) in enumerate(zip(parts, kinds)):
        words = sum(len(_WORD.findall(lines[line].text)) for line in run)
        behind, before = kinds[index + 1 : index + 2], kinds[max(0, index - 1) : index]
        speaks = any(talk(lines[line].text) for line in (run[0], run[-1]))
        cooks = any(QUANTITY.match(lines[line].text) or COOKING.search(lines[line].text) for line in run)
        pasted = kind in ("verse", "headed", "legal") or (kind == "heading" and headings >= 2)
        pasted = pasted or (kind == "long" and (longs >= 2 or words >= 70 or before in (["heading"], ["title"])))
        pasted = pasted or (kind in ("heading", "title") and behind in _BODIES)
        pasted = pasted or (headings >= 2 and before in (["heading"], ["headed"]) and not speaks)
        pasted = pasted or (
            index > 0 and parts[index - 1][0] in found and words >= 12 and not speaks and kind != "title"
        )
        pasted = pasted or (verses and len(run) > 1 and before == ["verse"] and _short(lines[run[0] : run[-1] + 1]))
        pasted = pasted or (
            behind in (["legal"], ["headed"]) and not speaks and (before == ["heading"] or _labelled(lines, run))
        )
        if pasted or (recipe and not speaks and (cooks or kind == "title")):
            found.update(run)
    return found


_BODIES = [[kind] for kind in ("long", "legal", "verse", "headed", "heading")]
"""What a heading or a title may stand above."""


def _labelled(lines: list[Line], run: range) -> bool:
    """True for a paragraph of lines "label: value"."""
    return all(re.match(r"\s*[\w ]{1,30}: ", lines[index].text) for index in run)


def _short(lines: list[Line]) -> bool:
    bodies = [line.text.strip() for line in lines]
    fit = sum(2 <= len(b.split()) <= 11 and b[0].isupper() and ":" not in b for b in bodies if b)
    return fit >= len(bodies) * 0.8


def _rhyme(line: str) -> tuple[str, str]:
    """The last vowels of a line, by their sound as far as letters tell it, and what stands behind them."""
    found = _LAST_SYLLABLE.search(line.lower()[-40:])
    if found is None:
        return "", line
    vowels = found.group(1)
    sound = next((sounds[0] for sounds in _SOUNDS if vowels in sounds), vowels)
    return sound, found.group(2)


def _verse(lines: list[Line]) -> bool:
    """True for short lines that rhyme, come again or run on with commas: lyrics and poems."""
    if len(lines) < 4 or not _short(lines):
        return False
    bodies = [line.text.strip() for line in lines]
    if sum(body.endswith(".") for body in bodies) * 2 > len(bodies):
        return False
    ends = [_rhyme(body) for body in bodies]
    rhyming = sum(end in ends[at + 1 : at + 3] for at, end in enumerate(ends))
    return (
        rhyming * 4 >= len(bodies)
        or len(set(bodies)) < len(bodies)
        or sum(b.endswith(",") for b in bodies) * 2 >= len(bodies)
    )
