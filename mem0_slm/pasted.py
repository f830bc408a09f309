"""Which parts of a message are not its sender's own talk: code, logs, letters, exports, quotations, instructions.

A message is looked at line by line (`pasted_lines` says what a line looks like) and paragraph by paragraph. What
follows "translate this:" is somebody's text up to its closing quotation mark or, where there is none, until the
sender speaks again. In doubt it is pasted: a fact that is lost can be told again, one of somebody else's would stay.
"""

import re
from bisect import bisect_right
from itertools import groupby
from typing import NamedTuple

from mem0_slm.pasted_lines import (
    CHAT,
    FIELD,
    FORWARD,
    GREETING,
    HEADING,
    INJECTION,
    MAIL_HEADER,
    OWN_PERSON,
    RESTART,
    ROLE,
    SIGN_OFF,
    TECHNICAL,
    WROTE,
    is_row,
    technical,
)

_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_WORD = re.compile(r"\w+")
_ASKS_EDIT = re.compile(
    r"\b(?:translat\w+|re-?writ\w+|re-?phras\w+|re-?word\w*|paraphras\w+|proof-?read\w*|summari[sz]\w+|tl;?dr|"
    r"condens\w+|"
    r"shorten\w*|correct|polish|edit|simplif\w+|repl(?:y|ies|ying) to|respond to|response to|answer to|grammar|"
    r"spell-?check|"
    r"übersetz\w*|korrigier\w*|fasse\b|traduc\w*|traduis\w*|traduz\w*|corrig\w*|resum\w+|résum\w+|tradu\w+|"
    r"riassum\w+|vertaal|"
    r"przetłumacz|çevir\w*|översätt|terjemahkan|переведи\w*|исправь\w*|ترجم\w*|תרגם\w*)|翻[译譯訳]|改写|润色|总结|要約|添削|번역|요약",
    re.IGNORECASE,
)
_ASKS_WITH_TEXT = re.compile(
    r"\b(?:fix|check|improve|explain|review|critique|analy[sz]e|format|re-?format|convert|turn|sort|alphabeti[sz]e|"
    r"re-?order|"
    r"categori[sz]e|clean up|de-?dupe|tidy|look over|feedback|rate|mark|grade|what does|read|debug|make (?:this|it|"
    r"the following))\b",
    re.IGNORECASE,
)
_TEXT_COMES = re.compile(
    r"(?:\b(?:here(?:'s| is| are)|this is|below is|attached|following|see below)\b[^:\n]{0,60}|"
    r"\b(?:wrote|texted|messaged|emailed|sent|replied|said|says|posted|commented|reads|goes)(?: (?:me|us|to me|this|"
    r"back|that))*|"
    r"\b(?:this|these|below|e-?mail|letter|message|text|article|essay|poem|draft|abstract|paragraph|review|post|"
    r"transcript|lyrics|"
    r"statement|bio|cover letter|notes|log|error|output)(?: (?:is|was|says|said))?)\s*[:：]\s*$",
    re.IGNORECASE,
)
_QUOTES = re.compile(
    r"“([^“”]{1,4000})”|«([^«»]{1,4000})»|„([^„“”\"]{1,4000})[“”\"]|「([^「」]{1,4000})」|『([^『』]{1,4000})』|"
    r"(?<![\w\"])\"(?=\S)([^\"\n]{1,2000}(?:\n[^\"\n]{1,2000}){0,40})\"(?!\w)|(?<![\w'])'(?=\w)((?:[^'\n]|"
    r"(?<=\w)'(?=\w)){12,1000})'(?!\w)"
)
_TAG = re.compile(r"</?([A-Za-z][\w:-]{0,40})(?:\s[^<>\n]{0,300})?/?>")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]+")
_HOW_SAY = re.compile(r"\bhow (?:do|would|can|should) (?:you|i|we) say (.{1,200}?) in [A-Za-z]{4,}", re.IGNORECASE)


class _Line(NamedTuple):
    start: int
    end: int
    text: str


def _lines(text: str) -> list[_Line]:
    lines, at = [], 0
    for line in text.split("\n"):
        lines.append(_Line(at, at + len(line), line))
        at += len(line) + 1
    return lines


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _paragraph_end(lines: list[_Line], at: int) -> int:
    """Index behind the last line of the paragraph that holds line `at`."""
    while at < len(lines) and lines[at].text.strip():
        at += 1
    return at


def _restarts(lines: list[_Line]) -> list[int]:
    """Lines that begin a paragraph and with which the sender may be speaking again after somebody's text."""
    return [
        index
        for index in range(1, len(lines))
        if lines[index].text.strip() and not lines[index - 1].text.strip() and RESTART.match(lines[index].text)
    ]


def _next(indexes: list[int], at: int, end: int) -> int:
    """The first of the sorted `indexes` behind `at`, or `end`."""
    found = bisect_right(indexes, at)
    return indexes[found] if found < len(indexes) else end


def _fences(text: str) -> list[tuple[int, int]]:
    spans, opened = [], None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence.group(1) == opened.group(1):
            close = text.find("\n", fence.end())
            spans.append((opened.start(), close if close >= 0 else len(text)))
            opened = None
    return [*spans, (opened.start(), len(text))] if opened else spans


def _technical_lines(lines: list[_Line]) -> set[int]:
    """Lines of code, logs, diffs, tables and configuration: the sure ones, and what stands between and beside them."""
    sure = {index for index, line in enumerate(lines) if technical(line.text)}
    rows = [is_row(line.text) for line in lines]
    for row, run in groupby(range(len(lines)), key=lambda index: rows[index]):
        indexes = list(run)
        if row and len(indexes) >= 3:
            sure.update(indexes)
    found = set(sure)
    for index in sure:
        for step in (1, -1):
            beside = index + step
            while 0 <= beside < len(lines) and beside not in found and TECHNICAL.search(lines[beside].text):
                found.add(beside)
                beside += step
    return found


def _chat_lines(lines: list[_Line]) -> set[int]:
    """Lines of an exported chat or a transcript: with a time and a name, or two names by turns."""
    found = {index for index, line in enumerate(lines) if CHAT.match(line.text)}
    labels = [
        (index, label.group(1))
        for index, line in enumerate(lines)
        if index not in found and (label := ROLE.match(line.text))
    ]
    names = [label.strip().lower() for _, label in labels if label.strip().lower() not in FIELD]
    if len(names) >= 2 and (len(set(names)) < len(names) or all(name[:1] for name in names) and len(set(names)) <= 3):
        found.update(index for index, label in labels if label.strip().lower() not in FIELD)
    for index in sorted(found):  # a message goes on in the lines below it
        beside = index + 1
        while beside < len(lines) and lines[beside].text.strip() and beside not in found:
            found.add(beside)
            beside += 1
    return found


def _letters(lines: list[_Line], restarts: list[int]) -> list[tuple[int, int]]:
    """Lines (from, to) of e-mails, forwarded messages and letters."""
    headers = {index for index, line in enumerate(lines) if MAIL_HEADER.match(line.text)}
    ends = [index for index, line in enumerate(lines) if SIGN_OFF.match(line.text)]
    found: list[tuple[int, int]] = []
    for start, line in enumerate(lines):
        if found and start < found[-1][1]:
            continue
        signed = _next(ends, start, len(lines))
        greeting = GREETING.match(line.text)
        if greeting:
            begins = bool(greeting["letter"]) or signed < len(lines)
        else:
            begins = (start in headers and start + 1 in headers) or bool(
                FORWARD.match(line.text) or WROTE.search(line.text)
            )
        if begins:
            found.append((start, _signed(lines, signed) if signed < len(lines) else _next(restarts, start, len(lines))))
    return found


def _signed(lines: list[_Line], at: int) -> int:
    """Index behind the name under the sign-off in line `at`."""
    end = at + 1
    while end < len(lines) and end < at + 5 and lines[end].text.strip() and len(_WORD.findall(lines[end].text)) <= 6:
        end += 1
    return end


def _asked_about(text: str, lines: list[_Line], restarts: list[int]) -> list[tuple[int, int]]:
    """What stands behind "translate this:", "she wrote:", "here is my essay:"."""
    spans = []
    for index, line in enumerate(lines):
        edits, weak = _ASKS_EDIT.search(line.text[:400]), _ASKS_WITH_TEXT.search(line.text[:400])
        comes = _TEXT_COMES.search(line.text[-160:])
        colon = re.search(r"[:：](?!//)(?=\s|$|[\"“«„'「])|：", line.text[edits.end() :]) if edits else None
        if edits and colon and line.text[edits.end() + colon.end() :].strip():
            at = line.start + edits.end() + colon.end()
            at += len(text[at : line.end]) - len(text[at : line.end].lstrip())
            quote = _QUOTES.match(text, at)
            end = quote.end() if quote else lines[_next(restarts, index, len(lines)) - 1].end
            spans.append((at, end))
            continue
        ends_open = comes or (line.text.rstrip().endswith((":", "：")) and (edits or weak))
        below = edits and index + 2 < len(lines) and not lines[index + 1].text.strip() and len(line.text) < 200
        if ends_open or below:
            start = index + 1
            while start < len(lines) and not lines[start].text.strip():
                start += 1
            if start < len(lines):
                quote = _QUOTES.match(text, lines[start].start)
                end = quote.end() if quote else lines[_next(restarts, start, len(lines)) - 1].end
                spans.append((lines[start].start, end))
    return spans


def _quotations(text: str) -> list[tuple[int, int]]:
    found = []
    for quote in _QUOTES.finditer(text):
        inside = next(group for group in quote.groups() if group)
        edited = _ASKS_EDIT.search(text, max(0, quote.start() - 80), quote.start())
        wide = sum(ord(char) > 0x2E80 for char in inside)
        if edited or len(_WORD.findall(inside)) >= 4 or wide >= 6:
            found.append((quote.start(), quote.end()))
    found += [(said.start(1), said.end(1)) for said in _HOW_SAY.finditer(text)]
    return found


def _marked(text: str, lines: list[_Line]) -> list[tuple[int, int]]:
    """Lines and blocks with tags, and paragraphs that give orders to a machine."""
    spans = []
    done = 0
    closed: dict[str, int] = {}
    for tag in _TAG.finditer(text):
        if tag.start() < done:
            continue
        if tag.group(1) not in closed:
            closed[tag.group(1)] = text.rfind(f"</{tag.group(1)}>")
        close = text.find(f"</{tag.group(1)}>", tag.end()) if closed[tag.group(1)] >= tag.end() else -1
        end = close if close >= 0 else tag.end()
        start = text.rfind("\n", 0, tag.start()) + 1
        stop = text.find("\n", end)
        done = stop if stop >= 0 else len(text)
        spans.append((start, done))
    done = 0
    for index, line in enumerate(lines):
        if line.start >= done and INJECTION.search(line.text):
            end = _paragraph_end(lines, index)
            spans.append((line.start, lines[end - 1].end))
            done = lines[end - 1].end
    return spans


def _paragraphs(lines: list[_Line]) -> list[tuple[int, int]]:
    """Lines (from, to) of each paragraph."""
    found, at = [], 0
    while at < len(lines):
        end = _paragraph_end(lines, at)
        if end > at:
            found.append((at, end))
        at = max(end, at) + 1
    return found


def _impersonal(words: list[str], text: str) -> bool:
    return len(words) >= 35 and not OWN_PERSON.search(text)


def _articles(text: str, lines: list[_Line]) -> list[tuple[int, int]]:
    """Lines of articles, verses, recipes, CVs, contracts and minutes: told by length, headings and form."""
    paragraphs = _paragraphs(lines)
    kinds = []
    for start, end in paragraphs:
        body = text[lines[start].start : lines[end - 1].end]
        words = _WORD.findall(body)
        heading = end - start == 1 and HEADING.match(body) is not None
        sentences = max(1, len(re.findall(r"[.!?](?=\s|$)", body)))
        dense = _impersonal(words, body) and len(words) / sentences >= 11
        kinds.append("heading" if heading else "long" if dense else "verse" if _verse(lines[start:end]) else "")
    spans = []
    longs = kinds.count("long")
    headings = sum(HEADING.match(line.text) is not None for line in lines)
    for index, ((start, end), kind) in enumerate(zip(paragraphs, kinds)):
        body_words = sum(len(_WORD.findall(line.text)) for line in lines[start:end])
        inner_heading = HEADING.match(lines[start].text) is not None
        headed = inner_heading or (index > 0 and kinds[index - 1] == "heading")
        if kind == "verse" or (kind == "long" and (longs >= 2 or headed or body_words >= 70)):
            spans.append((start, end))
        elif headings >= 2 and (headed or kind == "heading"):
            spans.append((start, end))
        elif kind == "heading" and index + 1 < len(kinds) and kinds[index + 1] == "long":
            spans.append((start, end))
    return spans


def _verse(lines: list[_Line]) -> bool:
    """True for short lines that rhyme or come again: lyrics and poems."""
    if len(lines) < 4:
        return False
    bodies = [line.text.strip() for line in lines]
    short = sum(2 <= len(body.split()) <= 11 and not re.match(r"[-*•\d]", body) for body in bodies)
    if short < len(bodies) * 0.8:
        return False
    ends = [re.sub(r"\W", "", body.split()[-1].lower()) if body.split() else "" for body in bodies]
    rhymes = 0
    for index, end in enumerate(ends):
        near = ends[index + 1 : index + 3]
        rhymes += any(len(end) > 2 and other[-2:] == end[-2:] for other in near)
    return rhymes * 2 >= len(bodies) - 1 or len(set(bodies)) < len(bodies)


def pasted_spans(text: str) -> list[tuple[int, int]]:
    """Characters of a message that are not its sender's own talk, sorted and not overlapping."""
    lines = _lines(text)
    restarts = _restarts(lines)
    spans = _fences(text) + _quotations(text) + _marked(text, lines) + _asked_about(text, lines, restarts)
    whole = _technical_lines(lines) | _chat_lines(lines)
    for start, end in _letters(lines, restarts) + _articles(text, lines):
        whole.update(range(start, end))
    spans += [(lines[index].start, lines[index].end + 1) for index in sorted(whole)]
    spans += [(url.start(), url.end()) for url in _URL.finditer(text)]
    merged = _merged([(start, min(end, len(text))) for start, end in spans])
    return _merged(merged + _rest(text, lines, merged))


def _rest(text: str, lines: list[_Line], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left between the parts of a long message that is mostly pasted, where the sender does not begin anew."""
    if len(text) < 500 or sum(end - start for start, end in spans) * 2 < len(text):
        return []
    covered = [False] * len(lines)
    at = 0
    for index, line in enumerate(lines):
        while at < len(spans) and spans[at][1] <= line.start:
            at += 1
        covered[index] = at < len(spans) and spans[at][0] <= line.start and spans[at][1] >= line.end
    found, inside = [], False
    for start, end in _paragraphs(lines):
        own = RESTART.match(lines[start].text) or OWN_PERSON.search(lines[start].text[:200])
        if any(covered[start:end]):
            inside = True
            if not own:
                found.append((lines[start].start, lines[end - 1].end))
        elif inside and not own:
            found.append((lines[start].start, lines[end - 1].end))
        elif inside:
            inside = False
    return found
