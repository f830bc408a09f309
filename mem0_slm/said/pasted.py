"""Which parts of a message are not its sender's own talk: code, logs, letters, exports, quotations, instructions.

A message is looked at line by line and paragraph by paragraph (`pasted_forms`, `pasted_lines`). What follows "translate
this:" is somebody's text up to its closing quotation mark or, where there is none, until the sender speaks again. In
doubt it is pasted: a fact that is lost can be told again, one of somebody else's would stay.
"""

import re

from mem0_slm.said.pasted_code import technical_lines
from mem0_slm.said.pasted_forms import article_lines, chat_lines, letter_lines, without_talk
from mem0_slm.said.pasted_lines import INJECTION, OWN_PERSON
from mem0_slm.said.pasted_talk import Line, after, lines_of, paragraphs, personal, restarts, talk

_TYPED = 30_000
"""Nobody types more characters than that into one message: what stands behind them is pasted."""
_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_WORD = re.compile(r"\w+")
_ASKS_EDIT = re.compile(
    r"\b(?:translat(?:e|ing|ion)|re-?writ(?:e|ing)|re-?phras(?:e|ing)|re-?word(?:ing)?|paraphras(?:e|ing)|"
    r"proof-?read(?:ing)?|"
    r"summari[sz](?:e|ing)|summary|tl;?dr|condense|shorten|correct(?!,)|polish|edit(?!\s*:)|simplify|answer (?:this|"
    r"the|her|his|my)\b|reply to|respond to|"
    r"response to|answer to|grammar|spelling|typos|make (?:this|it) (?:sound|more|less|shorter|nicer|clearer)|"
    r"spell-?check|"
    r"übersetz\w*|korrigier\w*|fasse\b|traduc\w*|traduis\w*|traduz\w*|corrig\w*|resum\w+|résum\w+|"
    r"riassum\w+|vertaal|"
    r"przetłumacz|çevir\w*|översätt|terjemahkan|переведи\w*|исправь\w*|ترجم\w*|תרגם\w*)\b|翻[译譯訳]|改写|润色|总结|要約|添削|번역|요약",
    re.IGNORECASE,
)
_OWN_MATTER = re.compile(
    r"\b(?:our|plan|plans|situation|week|day|trip|life|routine|background|problem|habit|budget)\b", re.IGNORECASE
)
"""Told of oneself, though "summarise" or "here is" stands before: "summarise our plan: ..."."""
_ASKS_WITH_TEXT = re.compile(
    r"\b(?:fix|check|improve|explain|review|critique|analy[sz]e|re-?format|format|convert|turn|sort|alphabeti[sz]e|"
    r"re-?order|"
    r"categori[sz]e|clean up|de-?dupe|tidy|look over|feedback|rate|grade|what does|read|debug|answer|respond|reply|"
    r"make (?:this|it|the following))\b",
    re.IGNORECASE,
)
_KINDS_OF_TEXT = (
    r"(?:e-?mail|letter|message|text|article|essay|poem|draft|abstract|paragraph|post|transcript|lyrics|statement|"
    r"bio|cover letter|"
    r"log|logs|error|output|story|paper|passage|excerpt|quote|speech|tweet|comment|caption|song|recipe|code|script|"
    r"sentence|note|"
    r"chat|conversation|contract|clause|cv|resume|ad|listing|report|blog|column|entry|list)s?"
)
_LONE = (
    r"(?:e-?mail|letter|message|text|article|essay|poem|draft|abstract|paragraph|transcript|lyrics|statement|bio|error|"
    r"output)"
)
_TEXT_COMES = re.compile(
    rf"(?:\b(?:here(?:'s| is| are)|this is|below is|attached)\b[^:\n]{{0,50}}\b{_KINDS_OF_TEXT}\b[^:\n]{{0,30}}|"
    r"\bwhat (?!i\b|we\b)\w+(?: \w+)? (?:wrote|said|sent|posted|texted)\b[^:\n]{0,30}|"
    r"\b(?:the )?following\b[^:\n]{0,20}|"
    r"\b(?:wrote|texted|messaged|emailed|sent|replied|said|says|posted|commented|reads|goes)(?: (?:me|us|to me|this|"
    r"back|that)){0,2}|"
    rf"\b(?:this|these|that|below|(?:this|these|the|that) {_KINDS_OF_TEXT}|{_LONE})(?: (?:is|was|says|said))?"
    r"(?: (?:to|for) me| please| pls)?)\s*(?P<mark>[:：])?\s*$",
    re.IGNORECASE,
)
_QUOTES = re.compile(
    r"“([^“”]{1,4000})”|«([^«»]{1,4000})»|„([^„“”\"]{1,4000})[“”\"]|「([^「」]{1,4000})」|『([^『』]{1,4000})』|"
    r"(?<![\w\"])\"(?=\S)([^\"\n]{1,2000}(?:\n[^\"\n]{1,2000}){0,40})\"(?!\w)|"
    r"(?<![\w'])'(?=\w)((?:[^'\n]|(?<=\w)'(?=\w)){12,1000})'(?!\w)"
)
_TAG = re.compile(r"</?([A-Za-z][\w:-]{0,40})(?:\s[^<>\n]{0,300})?/?>")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"]+")
_HOW_SAY = re.compile(r"\bhow (?:do|would|can|should) (?:you|i|we) say (.{1,200}?) in [A-Za-z]{4,}", re.IGNORECASE)
_DOUBTS = re.compile(
    r"\s*(?:is|does|do you think) (?:this|that|it) .{0,40}\b(?:phishing|spam|scam|legit|real|fake|genuine|true|"
    r"sarcas\w+|ai|a joke)\b.{0,20}\?\s*$",
    re.IGNORECASE,
)
_ARRANGE = re.compile(
    r"\s*(?:please )?(?:sort|order|rank|group|categori[sz]e|alphabeti[sz]e|convert|turn|put) (?:these|this|them|"
    r"the following)\b.{0,40}$",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\b(?:this|these|the following|below)\b", re.IGNORECASE)
_COLON = re.compile(r"[:：](?!//)(?=\s|$|[\"“«„'「])|：")


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


def _asked_about(text: str, lines: list[Line], again: list[int]) -> list[tuple[int, int]]:
    """What stands behind "translate this:", "she wrote:", "here is my essay:"."""
    spans = []
    first_persons = personal(lines)
    filled = [index for index, line in enumerate(lines) if line.text.strip()]
    for index, line in enumerate(lines):
        edits = _ASKS_EDIT.search(line.text[:400])
        colon = _COLON.search(line.text, edits.end()) if edits else None
        if edits and colon and _OWN_MATTER.search(line.text, edits.end(), colon.end()):
            continue
        if colon and line.text[colon.end() :].strip():
            at = line.start + colon.end()
            at += len(text[at : line.end]) - len(text[at : line.end].lstrip())
            spans.append(
                (
                    at,
                    _end_of_text(text, lines, at, _again(lines, index, line.text[colon.end() :], again, first_persons)),
                )
            )
            continue
        start = after(filled, index, len(lines))
        if start == len(lines):
            break
        comes = _TEXT_COMES.search(line.text[-160:])
        ends_open = line.text.rstrip().endswith((":", "：")) and (
            edits or comes or _ASKS_WITH_TEXT.search(line.text[:400])
        )
        listed = comes and start == index + 1 and (edits or _ASKS_WITH_TEXT.search(line.text[:200]))
        apart = start > index + 1 and len(line.text) < 200 and bool(edits or comes)
        apart = apart and bool((edits and _POINTS.search(line.text)) or not talk(lines[start].text[:12]))
        if (
            ends_open
            or listed
            or _DOUBTS.match(line.text)
            or (start == index + 1 and _ARRANGE.match(line.text))
            or (apart and len(lines[start].text) > 60)
        ):
            spans.append(
                (
                    lines[start].start,
                    _end_of_text(
                        text, lines, lines[start].start, _again(lines, start, lines[start].text, again, first_persons)
                    ),
                )
            )
    return spans


def _again(lines: list[Line], at: int, begins: str, again: list[int], first_persons: list[int]) -> int:
    """The line behind line `at` with which the sender goes on; a text about nobody does not begin to say "I" either."""
    end = after(again, at, len(lines))
    return end if OWN_PERSON.search(begins[:500]) else min(end, after(first_persons, at, len(lines)))


def _end_of_text(text: str, lines: list[Line], at: int, again: int) -> int:
    """Where a text ends that begins at `at`: with its quotation, or before line `again`, where the sender goes on."""
    quote = _QUOTES.match(text, at)
    return quote.end() if quote else lines[again - 1].end


def _is_title(quoted: str) -> bool:
    """True for what is quoted as the name of a film, a book or a song: short, with capitals, no sentence."""
    words = [word for word in _WORD.findall(quoted) if len(word) > 3]
    return (
        len(quoted) < 60 and quoted[-1] not in ".!?," and sum(word[0].isupper() for word in words) * 5 >= len(words) * 4
    )


def _quotations(text: str) -> list[tuple[int, int]]:
    found = []
    for quote in _QUOTES.finditer(text):
        inside = next(group for group in quote.groups() if group)
        edited = _ASKS_EDIT.search(text, max(0, quote.start() - 80), quote.start())
        wide = sum(ord(char) > 0x2E80 for char in inside)
        if edited or (len(_WORD.findall(inside)) >= 4 and not _is_title(inside)) or wide >= 6:
            found.append((quote.start(), quote.end()))
    found += [(said.start(1), said.end(1)) for said in _HOW_SAY.finditer(text)]
    return found


def _tagged(text: str) -> list[tuple[int, int]]:
    """Lines with tags, up to the line of the closing one."""
    spans: list[tuple[int, int]] = []
    done = 0
    closed: dict[str, int] = {}
    for tag in _TAG.finditer(text):
        if tag.start() < done:
            continue
        name = tag.group(1)
        if name not in closed:
            closed[name] = text.rfind(f"</{name}>")
        close = text.find(f"</{name}>", tag.end()) if closed[name] >= tag.end() else tag.end()
        start, stop = text.rfind("\n", 0, tag.start()) + 1, text.find("\n", close)
        done = stop if stop >= 0 else len(text)
        spans.append((start, done))
    return spans


def _orders(lines: list[Line]) -> set[int]:
    """Paragraphs that give orders to a machine, from the line on in which they begin to."""
    found: set[int] = set()
    for run in paragraphs(lines):
        first = next((index for index in run if INJECTION.search(lines[index].text[:2000])), None)
        if first is not None:
            found.update(without_talk(lines, range(first, run[-1] + 1)))
    return found


def pasted_spans(text: str) -> list[tuple[int, int]]:
    """Characters of a message that are not its sender's own talk, sorted and not overlapping."""
    if len(text) > _TYPED:
        cut = text.rfind("\n", 0, _TYPED) + 1 or _TYPED
        return _merged([*pasted_spans(text[:cut]), (cut, len(text))])
    lines = lines_of(text)
    again = restarts(lines)
    spans = _fences(text) + _quotations(text) + _tagged(text) + _asked_about(text, lines, again)
    whole = (
        technical_lines(lines) | chat_lines(lines) | letter_lines(lines, again) | article_lines(lines) | _orders(lines)
    )
    spans += [(lines[index].start, lines[index].end + 1) for index in sorted(whole)]
    spans += [(url.start(), url.end()) for url in _URL.finditer(text)]
    merged = _merged([(start, min(end, len(text))) for start, end in spans])
    return _merged(merged + _rest(text, lines, merged))


def _rest(text: str, lines: list[Line], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left between the parts of a long message that is mostly pasted, where the sender does not begin anew."""
    if len(text) < 500 or sum(end - start for start, end in spans) * 2 < len(text):
        return []
    covered, at = [], 0
    for line in lines:
        while at < len(spans) and spans[at][1] <= line.start:
            at += 1
        covered.append(at < len(spans) and spans[at][0] <= line.start and spans[at][1] >= line.end)
    found, inside = [], False
    for run in paragraphs(lines):
        pasted = any(covered[run[0] : run[-1] + 1])
        own = any(talk(lines[index].text) for index in (run[0], run[-1]) if not covered[index])
        inside = pasted or (inside and not own)
        if inside and not own:
            found.append((lines[run[0]].start, lines[run[-1]].end))
    return found
