"""Whether a statement in third person says what a stretch of a user's English says: `follows`.

Both are brought into one form (forms.py), and the statement must then be that stretch word for word: the same words in
the same order, but for closed lists of words that change nothing. Whoever owns, does, denies, wishes or
supposes something, every number, every word of kin is compared with the rest, because nothing may be left out between.
"""

from collections.abc import Iterable

from mem0_slm.following.forms import STOPS, WE, forms
from mem0_slm.following.persons import FAMILY, KIN, PERSONS, THINGS
from mem0_slm.said.wording import FINITE

FILLERS = frozenset(
    "the a an really actually just honestly basically literally lol haha btw so ok okay also too anyway um uh "
    "oh yeah yes yep please sadly luckily fortunately obviously apparently currently that then anyways".split()
)
"""Words of the stretch that a statement may leave out."""
JOINS = frozenset("and or but then".split())
_ADDED = frozenset("the a an that currently also and".split())
"""Words that a statement may have beyond the stretch."""
_FOR_USER = {
    "they": ("user",),
    "them": ("user",),
    "their": ("user's",),
    "theirs": ("user's",),
    "themselves": ("user",),
    "themself": ("user",),
}
"""Words by which a statement goes on to speak of the user."""
_ADVERBS = frozenset(
    "always never usually often sometimes still really only also just not currently mostly mainly generally now "
    "already rarely hardly normally typically occasionally both even actually".split()
)
_MANY = frozenset("all each together both half share split between other another".split())
_LIMITS = frozenset(
    "if unless except only not than without until when or nor never no but well wait maybe perhaps probably possibly "
    "hopefully supposedly allegedly roughly about almost nearly planning sometimes mostly once".split()
)
"""Words that take back or bind what stands before them: no statement ends in front of one."""
_LIMITS_BEHIND = frozenset("if unless except only but well wait maybe or".split())
"""Those of them that do so from the sentence behind."""
_TAKES_BACK = frozenset("not no never only now stopped except anymore until actually lied used quit unless".split())
"""Words behind "but" that take back what stands before it."""
_THINKS = frozenset("think guess suppose reckon hope believe mean wish lied assume".split())
_SUBJECTS = frozenset("user user's he she it they the".split())
_PAIRS = frozenset("between both either neither from of nor not".split())
_EACH_DOES = frozenset("pay rent own live want need moved married got bought met".split())
_HEDGES = frozenset("about like around roughly approximately approx".split())
_DATES = frozenset(
    "year old january february march april june july august september october november december am pm since at".split()
)
_DAYS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays "
    "sundays weekends weekdays".split()
)
_OWNED = KIN | THINGS | frozenset(forms(" ".join(sorted(KIN | THINGS))))
_AFTER_BE = frozenset("a an the not no on at".split())
_OF_USER = frozenset({"user", "user's"})
_GOVERNS = frozenset("not never to can could will would should must might may 'd".split())
"""Words under which a verb behind an "and" may still stand: "I don't drink and smoke"."""
_HOUSEHOLD = frozenset("husband wife missus children boyfriend girlfriend partner".split())
_NO_OWN = frozenset("he she it they this that there one two most some all nobody everyone someone what who".split())
_ASIDES = frozenset("ex late former step almost soon future half".split())
_LONGEST = 120


def follows(statement: str, said: str) -> bool:
    """Whether a statement about "User" says what a stretch of the user's own English says, or its beginning to a stop.

    Sound before complete: True means the same words in the same order; a paraphrase that is true may be refused.
    """
    return _compare(statement, said, whole=False)


def says_all(statement: str, said: str) -> bool:
    """Whether a statement follows from a stretch and says all of it: `follows` also takes the beginning of one."""
    return _compare(statement, said, whole=True)


def _compare(statement: str, said: str, whole: bool) -> bool:
    have, want = forms(said), wanted(statement)
    if not want or len(want) > _LONGEST or len(have) > 2 * _LONGEST:
        return False
    if of_several(forms(said, several=True)):
        return False
    reached = ends(want, have, 0, theirs(have))
    return len(have) in reached or (not whole and any(may_leave(have, i) for i in reached))


def wanted(statement: str) -> list[str]:
    """The forms of a statement that must have been said, its stops left out."""
    return [form for form in forms(statement) if form not in STOPS]


def of_several(said: list[str]) -> bool:
    """Whether forms in which "we" has stayed say something of several people that is not true of the user alone."""
    if not WE & set(said):
        return False
    said = _of_us(said)
    if _MANY & set(said):
        return True
    counted = any(form[-1:].isdigit() and not _is_time(said, i) for i, form in enumerate(said))
    return counted and not all(_each_has(said, i) for i, form in enumerate(said) if form in WE)


def _of_us(said: list[str]) -> list[str]:
    """The forms without those that go on about somebody else."""
    found: list[str] = []
    ours = False
    for form in said:
        ours = form in WE or (ours and form not in ("he", "she", "user"))
        found.append(form if ours else ".")
    return found


def _each_has(said: list[str], i: int) -> bool:
    """Whether what "we" have at a place is what each of them has: "we have 2 cats", "6 of us"; no "we made 60 hats"."""
    after, then = (said[i + 1 : i + 3] + ["", ""])[:2]
    if after == "have":
        return then in ("got", "a", "the", "no") or then[:1].isdigit()
    return after in _EACH_DOES or (i > 0 and said[i - 1] == "of")


def _is_time(said: list[str], i: int) -> bool:
    """Whether a number is an age, a date or a time of day, which is the same for one and for several."""
    after, before = said[i + 1] if i + 1 < len(said) else "", said[i - 1] if i else ""
    return (
        ":" in said[i] or after in _DATES or before in _DATES or (before == "the" and after in ("st", "nd", "rd", "th"))
    )


def theirs(have: list[str]) -> frozenset[str]:
    """What is somebody else's somewhere in these forms."""
    return frozenset(have[i + 1] for i in range(len(have) - 1) if have[i] in ("his", "her", "their", "its", "'s"))


def ends(want: list[str], have: list[str], start: int, others: Iterable[str] = ()) -> set[int]:
    """The places in `have` to which `want` can be read off from `start`, fillers and stops passed over.

    others: what is somebody else's, or somebody else, so that "the" or nothing in front does not make it the user's.
    """
    reached = _skip({start}, have, start)
    for at, form in enumerate(want):
        following = {i + 1 for i in reached if i < len(have) and _same(form, have, i, start, want[0])}
        if (form in _ADDED and want[at - 1 : at] != ["user"]) or _may_be_added(want, at):
            following |= reached
        elif form == "user's" or (form == "their" and want[0] in ("user", "their")):
            following |= {i for i in reached if _is_own(want, at, have, i, start, others)}
        reached = _skip(following, have, start)
        if not reached:
            break
    return reached


def _is_own(want: list[str], at: int, have: list[str], i: int, start: int, others: Iterable[str]) -> bool:
    """Whether what stands at a place without an owner is the user's: "hubby", "the lease"."""
    noun = want[at + 1] if at + 1 < len(want) else ""
    before = have[i - 1 : i]
    bare = not before or before[0] in (STOPS | JOINS) - {")", '"', "("} or (i == start and before[0] != ")")
    if i >= len(have) or have[i] != noun or set(others) & set(want[at + 1 : at + 3]):
        return False
    if before == ["the"]:
        return (noun not in KIN or noun in _HOUSEHOLD) and bool(_OWNED & set(want[at + 1 : at + 3]))
    near = set(have[max(0, i - 12) : i])
    if not bare or near & (PERSONS | {"he", "she", "his", "her"}) or (noun in FAMILY and near & set(others)):
        return False
    return noun in KIN or bool(_OWNED & set(want[at + 1 : at + 3])) or noun not in PERSONS | _NO_OWN


def _skip(places: set[int], have: list[str], start: int) -> set[int]:
    """The places, and those behind fillers, stops and asides that follow them."""
    found, open_ = set(places), list(places)
    while open_:
        i = open_.pop()
        if i >= len(have):
            continue
        if have[i] in ("(", ","):
            aside = _behind_aside(have, i) if have[i] == "(" else _behind_apposition(have, i)
            open_ += [aside] if aside not in found else []
            found.add(aside)
        elif have[i] not in FILLERS and have[i] not in STOPS and not _idle(have, i, start):
            continue
        if i + 1 not in found:
            found.add(i + 1)
            open_.append(i + 1)
    return found


def _behind_aside(have: list[str], i: int) -> int:
    for k in range(i + 1, min(i + 12, len(have))):
        if have[k] == ")":
            bound = have[i - 1 : i] == ["user's"] or bool((_LIMITS | _ASIDES) & set(have[i:k]))
            return i + 1 if bound else k + 1
    return i + 1


def _behind_apposition(have: list[str], i: int) -> int:
    """The place of the second of two commas between which something is only named: "my neighbour, a lawyer, says"."""
    for k in range(i + 2, min(i + 6, len(have))):
        if have[k] == ",":
            bound = (_LIMITS | _GOVERNS | _OF_USER | FINITE | JOINS | {"be", "have"}) & set(have[i:k])
            return i + 1 if bound or any(form[0].isdigit() for form in have[i:k]) else k
    return i + 1


def _idle(have: list[str], i: int, start: int) -> bool:
    """Whether a "got" only helps "have", or a pronoun only takes up its noun ("my son he plays")."""
    if have[i] in ("he", "she"):
        return i > start + 1 and have[i - 1] in PERSONS and have[i - 2] == "user's"
    return have[i] == "got" and i > 0 and (have[i - 1] == "have" or (have[i - 1] == "'s" and i + 1 < len(have)))


def _same(form: str, have: list[str], i: int, start: int, first: str) -> bool:
    """Whether a form of the statement is the form at a place of the stretch."""
    said = have[i]
    if form == said:
        return form != "their" or first != "user"
    if said in _FOR_USER.get(form, ()):
        return True
    if said == "'s" and form in ("be", "have"):
        return True
    if said == "'d" and form in ("would", "had"):
        return True
    if {said, form} == {"and", "but"}:
        return True
    if form in _HEDGES and said in _HEDGES and i + 1 < len(have):
        return have[i + 1][0].isdigit()
    if form == "who" and said in ("he", "she"):
        return i > start and have[i - 1] == ","
    if form[0].isdigit() or said[0].isdigit():
        return form.lstrip("0") == said.lstrip("0")
    return third(said) == form and _of_user(have, i, start)


def third(verb: str) -> str:
    """The third person of a regular verb."""
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _of_user(have: list[str], i: int, start: int) -> bool:
    """Whether the word at a place can be a verb of which the user is the subject: directly behind, or after a join."""
    before = [form for form in have[max(start, i - 40) : i] if form not in _ADVERBS]
    if before and before[-1] == "user":
        return True
    governed = bool(_GOVERNS & set(have[max(start, i - 40) : i]))
    return bool(before) and before[-1] in JOINS | STOPS and "user" in before and not governed


def _may_be_added(want: list[str], at: int) -> bool:
    """Whether a word of the statement may stand there though it was not said."""
    form, following = want[at], want[at + 1] if at + 1 < len(want) else ""
    before = want[at - 1] if at else ""
    if form == "on":
        return following in _DAYS or following[:1].isdigit()
    if form == "at":
        return ":" in following
    if form == "be":
        if not following or following.endswith("ed") or following in FINITE | JOINS:
            return False
        return at > 0 and before not in ("user", "they") and not before.endswith("'s")
    if form == "year":
        return before.isdigit() and following == "old"
    return form == "old" and before == "year"


def begins(have: list[str], i: int) -> bool:
    """Whether a new sentence begins at a place though nothing separates it: "on nights i'm on days", "tabla my son"."""
    if have[i] != "user" or i + 2 >= len(have) or have[i + 1] not in ("be", "have"):
        return False
    return have[i + 2] in _AFTER_BE or have[i + 2][0].isdigit()


def may_leave(have: list[str], i: int) -> bool:
    """Whether a statement may end before this place: at the end, or where nothing that follows takes it back."""
    if i >= len(have):
        return True
    last = have[i - 1] if i else ""
    rest = [form for form in have[i : i + 12] if form not in STOPS]
    if not rest or (rest[0] == "user" and len(rest) > 1 and rest[1] in _THINKS):
        return not rest
    if have[i][0].isdigit() and have[i + 1 : i + 2] == [")"]:
        return True
    if begins(have, i):
        return True
    if last in STOPS and last != "?":
        joined = rest[0] == "but" and not _TAKES_BACK & set(rest)
        return joined or rest[0] not in (_LIMITS_BEHIND if last == "." else _LIMITS)
    if have[i] not in ("and", "but", "because", "so") or (last[-1:].isdigit() and rest[1:2] and rest[1][0].isdigit()):
        return False
    before = set(have[max(0, i - 8) : i])
    if have[i] == "but":
        return not _TAKES_BACK & set(rest)
    if have[i] == "because":
        return not before & {"not", "only", "never", "just"}
    if have[i] == "so":
        return bool(_SUBJECTS & set(rest[1:5])) and "not" not in before
    return not before & _PAIRS and rest[1:2] != ["half"] and rest[1:3] != ["a", "half"]
