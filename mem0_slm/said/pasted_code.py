"""Which lines of a message are code, logs, diffs, tables or configuration."""

import re
from itertools import groupby

from mem0_slm.said.pasted_lines import CODE_TOKEN, OWN_PERSON, SETTING, TECHNICAL, YAML, is_row, technical
from mem0_slm.said.pasted_talk import Line, paragraphs, talk

_WORD = re.compile(r"\w+")
_ODD = re.compile(r"[_={}\[\];<>\\$#@|~]|::|\w\(|/\w|\w\.\w|--?\w|\w:\d")
_PROSE = re.compile(r"\s*[^\W\d_][\w',’-]*(?: [\w',’()\"-]+){2,}\s*[.!?]?\s*$")


def technical_lines(lines: list[Line]) -> set[int]:
    """Lines of code, logs, diffs, tables and configuration: the sure ones, and what stands beside and between them."""
    sure = {index for index, line in enumerate(lines) if technical(line.text)}
    for row, same in groupby(range(len(lines)), key=lambda index: is_row(lines[index].text)):
        indexes = list(same)
        if row and len(indexes) >= 3 - (row[0] in "|\t "):
            sure.update(indexes)
    found = set(sure)
    for index in sorted(sure):
        for step in (1, -1):
            beside = index + step
            while 0 <= beside < len(lines) and beside not in found and TECHNICAL.search(lines[beside].text[:300]):
                found.add(beside)
                beside += step
    for run in paragraphs(lines):
        patch = next((index for index in run if lines[index].text.startswith("@@ -")), run[-1] + 1)
        found.update(index for index in range(patch, run[-1] + 1) if lines[index].text[:1] in "+- @\\")
        yaml = [index for index in run if YAML.match(lines[index].text)]
        nested = [index for index in yaml if lines[index].text[:1] in " \t-"]
        settings = [index for index in run if SETTING.match(lines[index].text)]
        if len(yaml) >= 4 and nested and any(lines[index].text.rstrip().endswith(":") for index in yaml):
            found.update(yaml)
        if len(settings) >= 2:
            found.update(settings)
        found.update(_dense_with_code(lines, run))
        inside = [index for index in run if index in found]
        if len(inside) * 2 > len(run):
            found.update(range(inside[0], inside[-1] + 1))
            found.update(index for index in run if len(inside) * 4 > len(run) * 3 and not _prose(lines[index].text))
    parts = paragraphs(lines)
    for one, other in [*zip(parts, parts[1:]), *zip(parts[::-1], parts[-2::-1])]:  # a lone line above or below them
        if one[-1] in found and len(other) == 1 and CODE_TOKEN.search(lines[other[0]].text[:400]):
            found.update(index for index in other if not _prose(lines[index].text))
    return found


def _prose(line: str) -> bool:
    """True for a line in plain words, which may be its sender's remark on the code above it."""
    return talk(line) or (_PROSE.match(line) is not None and not CODE_TOKEN.search(line))


def _dense_with_code(lines: list[Line], run: range) -> range:
    """The lines of a paragraph that is code or output in most lines, without remarks above and below; or none."""
    if sum(len(_ODD.findall(lines[index].text[:400])) for index in run) < 1:
        return range(0)
    first, last = run[0], run[-1]
    while last > first and _prose(lines[last].text):
        last -= 1
    while first < last and _prose(lines[first].text):
        first += 1
    bodies = [lines[index].text[:400] for index in range(first, last + 1)]
    marks = [len(CODE_TOKEN.findall(body)) + (body[:2] == "  ") for body in bodies]
    words = sum(len(_WORD.findall(body)) for body in bodies)
    most = sum(mark > 0 for mark in marks) * 2 > len(bodies) and (len(bodies) > 1 or sum(marks) * 6 >= words)
    code = sum(marks) >= 2 + (len(bodies) == 1) and most and not any(OWN_PERSON.search(body) for body in bodies)
    return range(first, last + 1) if code else range(0)
