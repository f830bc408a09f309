"""From which clauses a statement follows: as a whole from one stretch, or part by part where "and" joined several.

`Backing` is made once for a conversation and asked for each statement.
"""

from collections import defaultdict
from collections.abc import Sequence

from mem0_slm.following.follows import FILLERS, ends, may_leave, of_several, third
from mem0_slm.following.forms import STOPS, forms
from mem0_slm.following.persons import PERSONS
from mem0_slm.following.readings import Reading, readings
from mem0_slm.said.clauses import Clause
from mem0_slm.said.wording import AUXILIARIES, FINITE

_JOINERS = frozenset("and but who which".split())
_VERBS = FINITE | AUXILIARIES | {"be", "have", "do", "'s"}
_POINTS = frozenset("he she it him her his its this those there then one himself herself itself".split())
"""Words by which a part of a statement depends on the part before it."""
_NO_NOUNS = (
    _VERBS
    | FILLERS
    | STOPS
    | frozenset("user user's they their them not to no never in on at for with of from and but who which said".split())
)
_BEHIND_ONE = frozenset("in on at for from and with".split())
_LONGEST = 120
_MOST_CUTS = 8
_MOST_PARTS = 60
"""Ways of dividing a statement that are tried."""
_MOST_STARTS = 300
"""Places at which a part may begin that are looked at."""
_NEVER_SAID = frozenset(
    "user user's they them their theirs themselves themself be have would had who and but on at year old also "
    "currently the a an that about".split()
)
"""Words of a statement that need not stand in what was said as they are."""

_Found = tuple[int, ...]


class Backing:
    """What the clauses of a conversation can back."""

    def __init__(self, clauses: Sequence[Clause], turns: Sequence[tuple[str, str]]) -> None:
        self.readings = readings(clauses, turns)
        self._starts: dict[str, list[tuple[Reading, int]]] = defaultdict(list)
        self._said = set(_NEVER_SAID)
        self._left = 0
        self._dead: set[tuple[int, int]] = set()
        self._memo: dict[tuple[int, tuple[str, ...]], _Found] = {}
        for reading in self.readings:
            self._said |= {*reading.forms, *(third(form) for form in set(reading.forms))}
            for start in reading.starts:
                for form in _openings(reading.forms, start):
                    if len(self._starts[form]) < _MOST_STARTS:
                        self._starts[form].append((reading, start))

    def of(self, statement: str) -> _Found:
        """The places of the clauses from which a statement about "User" follows, in order; () for none."""
        want = forms(statement)
        if not 2 <= len(want) <= _LONGEST or _hangs(want):
            return ()
        self._memo, self._dead = {}, set()
        self._left = _MOST_PARTS
        return tuple(sorted(set(self._parts(want, 0, [], -1))))

    def _parts(self, want: list[str], begin: int, subject: list[str], last: int) -> _Found:
        """The places that back the statement from a cut on, the longest part first; () for none."""
        if (begin, last) in self._dead:
            return ()
        cuts = [k for k in range(begin + 2, len(want)) if want[k] in _JOINERS or want[k] == ","][:_MOST_CUTS]
        for end in [len(want), *reversed(cuts)]:
            for part in _wordings(want, begin, end, subject):
                places = self._remembered(part, last)
                if not places or end == len(want):
                    if places:
                        return places
                    continue
                rest = self._parts(want, end, subject or _subject(part), places[-1])
                if rest:
                    return places + rest
        self._dead.add((begin, last))
        return ()

    def _remembered(self, part: list[str], last: int) -> _Found:
        """`_found`, each part looked for once and no more parts than a statement may be tried in."""
        plain = [form for form in part if form not in STOPS]
        points = last >= 0 and bool(_POINTS & set(plain))
        key = (last if points else -1, tuple(part))
        if key not in self._memo:
            unsaid = any(form not in self._said and not form[0].isdigit() for form in plain)
            if unsaid or len(plain) < 2 or self._left <= 0:
                return ()
            self._left -= 1
            self._memo[key] = self._found(part, last if points else -1)
        return self._memo[key]

    def _found(self, part: list[str], last: int) -> _Found:
        """The places of the first stretch that says a part."""
        plain = [form for form in part if form not in STOPS]
        keys = {plain[0], *{"they": ["user"], "their": ["user's", plain[1]], "user's": [plain[1]]}.get(plain[0], ())}
        for key in sorted(keys):
            for reading, start in self._starts.get(key, ()):
                if last >= 0 and not 0 <= reading.places[start] - last <= 1:
                    continue
                for end in ends(plain, reading.forms, start, reading.others):
                    if (
                        may_leave(reading.forms, end)
                        and not _ironic(reading.forms[start:end], part)
                        and not of_several(reading.several[start:end])
                    ):
                        return tuple(sorted(set(reading.places[start : _back(reading.forms, start, end)])))
        return ()


def _openings(said: list[str], start: int) -> list[str]:
    """The forms with which a statement can begin at a place: the first there and those behind fillers."""
    found = []
    for form in said[start : start + 5]:
        found.append(form)
        if form not in FILLERS and form not in STOPS:
            break
    return found


def _back(said: list[str], start: int, end: int) -> int:
    """The end without the stops and fillers before it."""
    while end > start + 1 and (said[end - 1] in STOPS or said[end - 1] in FILLERS):
        end -= 1
    return end


def _ironic(said: list[str], part: list[str]) -> bool:
    """Whether words were said in quotation marks that a statement leaves out."""
    return '"' in said and '"' not in part


def _hangs(want: list[str]) -> bool:
    """Whether a statement points to something that it does not name."""
    for k, form in enumerate(want):
        if form in ("one", "hers") and want[k + 1 : k + 2] != ["of"] and _bare(want, k):
            pointing = PERSONS | {"one"}
        elif form in ("it", "he", "she", "him", "her", "his", "its"):
            pointing = PERSONS if form in ("it", "its") else frozenset()
        elif form in ("this", "that") and (k + 1 >= len(want) or want[k - 1] == "like"):
            return True
        else:
            continue
        named = [
            word
            for word in want[:k]
            if word not in _NO_NOUNS
            and word not in pointing
            and word not in _POINTS
            and not word.endswith(("ed", "ly"))
        ]
        if not named:
            return True
    return False


def _bare(want: list[str], k: int) -> bool:
    """Whether the word at a place has no noun behind it."""
    return k + 1 >= len(want) or want[k] == "hers" or want[k + 1] in STOPS | _BEHIND_ONE


def _subject(part: list[str]) -> list[str]:
    """What a statement is about, by the words before its verb: "user", "user's dog rex"."""
    if part[:1] == ["user"]:
        return ["user"]
    for k, form in enumerate(part[1:7], start=1):
        if (
            form in _VERBS
            and form != "'s"
            or (k > 1 and form.endswith("s") and form not in PERSONS and form != "user's")
        ):
            return part[:k]
    return []


def _wordings(want: list[str], begin: int, end: int, subject: list[str]) -> list[list[str]]:
    """A part of a statement by itself, with the subject that it takes over where it names none."""
    if begin == 0:
        return [want[:end]]
    k = begin
    relative = False
    while k < end and (want[k] in _JOINERS or want[k] == ","):
        relative = relative or want[k] in ("who", "which")
        k += 1
    part = want[k:end]
    if relative:
        nouns = [want[max(0, begin - n) : begin] for n in range(1, 5)]
        return [[form for form in noun if form not in STOPS] + part for noun in nouns if not _JOINERS & set(noun)]
    whole = part[:1] in (["user"], ["they"], ["their"]) or _VERBS & set(part)
    found = [part] if len(part) > 2 and whole else []
    if part[:1] not in (["user"], ["user's"], ["they"], ["their"]):
        found += [subject + part] if subject else []
    return found
