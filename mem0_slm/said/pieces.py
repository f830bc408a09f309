"""A sentence in clauses: cut where a new one begins, never where a clause's sense would change."""

from mem0_slm.person.verbs import alike, base, third_form
from mem0_slm.said.asking import OBJECTS, after_leads, has_finite, is_finite, opens_question, question_inside
from mem0_slm.said.kinds import is_small_talk
from mem0_slm.said.openers import LEAD_IN, says
from mem0_slm.said.ordering import opens_order
from mem0_slm.said.sentences import Word
from mem0_slm.said.wording import (
    AUXILIARIES,
    CONDITIONS,
    CONJUNCTIONS,
    DETERMINERS,
    FINITE,
    FIRST,
    FUSED,
    JOINERS,
    MODALS,
    POSSESSIVES,
    REPORTS,
    SMALL,
    SUBJECTS,
    SUBORDINATES,
    UNDONE,
    YOU_SUBJECT,
)

_PREPOSITIONS = frozenset(
    "in on at for to from with by about into over under near during after before since until till through between "
    "among of without against around across behind beside beyond despite per via within above below off out up down "
    "as like than plus including except".split()
)
_ADVERBS = frozenset(
    "now today then still also sometimes usually recently currently luckily unfortunately actually here maybe often "
    "never always just already only even tonight yesterday tomorrow lately really probably basically apparently "
    "sadly thankfully plus ever mostly rarely normally honestly definitely literally clearly obviously mainly "
    "generally almost".split()
)
_PARTICIPLES = frozenset(
    "called named born based made used held built booked planned paid bought sold left lost raised retired found "
    "hired married divorced painted ordered cancelled closed broke read kept sent taught brought joined owned rented "
    "cooked baked met decided spilled won costs calls plays runs works turns means starts looks helps changes sounds "
    "charges orders plans bites cries falls drops breaks sleeps drinks rides raises leaves paints closes opens ends "
    "moves rings hits stops".split()
)
"""Finite forms that describe a noun as readily, or are one: no sign of a clause behind a noun."""
_LOOSE = frozenset("like as than that except instead before after since until till though once".split())
_OPEN = frozenset("because cause cuz cos coz bc if when while although where who".split())
"""Words behind which something must come."""
_SURE = AUXILIARIES | (FINITE - _PARTICIPLES)
_BREAKS = frozenset(',:.…-–—"“”()!?/;')


def pieces(words: list[Word]) -> list[tuple[int, int]]:
    """The clauses of a sentence as (first word, behind the last), without the conjunctions and leads before them."""
    starts = [0]
    depth = 0
    for i in range(1, len(words)):
        depth += (words[i - 1].said in "([“") - (words[i - 1].said in ")]”")
        if depth <= 0 and _new_clause(words, starts[-1], i):
            starts.append(i)
    found = []
    for a, b in zip(starts, starts[1:] + [len(words)]):
        lead = _behind_leads(words, a, b)
        found += [(a, lead[0])] if lead[0] > a and lead[1] else []
        if lead[0] < b:
            found.append((lead[0], b))
    return found or [(0, len(words))]


def _new_clause(words: list[Word], a: int, i: int) -> bool:
    """True if at `i` a clause begins that can stand apart from the one that began at `a`."""
    if i - a < 1 or not words[i].said[0].isalnum():
        return False
    mark = _mark_before(words, i)
    joiner = words[i].said in JOINERS and words[i].said != "yet" or words[i].said in ("then", "also", "however")
    if words[i].said == "then" and words[i - 1].said in _PREPOSITIONS:
        return False
    if not mark and not joiner:
        return len(words) - i >= 3 and question_inside(words[a:], i - a) and _may_stand(words, a, i)
    left_end = i - 1 if mark else i
    j = i
    while j < len(words) and words[j].said in CONJUNCTIONS:
        j += 1
    if j >= len(words) or left_end <= a:
        return False
    left = words[a:left_end]
    if mark and _small(words, a, left_end):
        return True
    asking = opens_question(words, j, first=False, asked=words[-1].said == "?")
    if asking and (mark or words[i].said in ("but", "so", "and") and _asks_plainly(words, j)):
        return _may_stand(words, a, left_end) and not any(w.said in CONDITIONS for w in left)
    if mark and _small(words, i, len(words)):
        return True
    if j > i and words[j].said in ("if", "unless") and has_finite(left) and not any(w.said in CONDITIONS for w in left):
        return True
    if left[-1].said in _OPEN or left[-1].said in JOINERS:
        return False
    if (
        opens_order(words, j)
        and _is_order(words, j)
        and words[j].said not in SUBORDINATES
        and (mark or words[i].said in ("so", "but"))
    ):
        told = has_finite(left) or bool(mark) and words[j].start > words[j - 1].end and _may_stand(words, a, left_end)
        return told and not _listed_verbs(words, a, j) or mark == ":"
    return _splits(left, words, i, j, mark)


def _asks_plainly(words: list[Word], j: int) -> bool:
    """True but for an auxiliary that may go on the sentence: "my dad is 80 and has a cat"."""
    word, after = words[j].said, words[j + 1].said if j + 1 < len(words) else ""
    if word in ("does", "did", "do") and after in DETERMINERS:
        return any(base(w.said) for w in words[j + 3 : j + 6])
    return word not in AUXILIARIES or after in SUBJECTS | YOU_SUBJECT or word in MODALS and after in DETERMINERS


def _is_order(words: list[Word], j: int) -> bool:
    """True for an order; not where a past form may stand: "costs £450, split with my sister"."""
    if words[j].said in SUBORDINATES or not opens_order(words, j):
        return False
    return not alike(words[j].said) or j + 1 < len(words) and words[j + 1].said in ("it", "this", "that", "them")


def _listed_verbs(words: list[Word], a: int, j: int) -> bool:
    """True if the word at `j` goes on an order that began at `a` ("plan, cook and serve") or a list of verbs."""
    return opens_order(words, a) and words[j - 1].said in JOINERS | {","} and len(words) - j <= 2


def _mark_before(words: list[Word], i: int) -> str:
    mark = words[i - 1]
    if mark.said == ",":
        return ","
    if (
        mark.said in ":-–—"
        and words[i].start > mark.end
        and (mark.said == ":" or i > 1 and mark.start > words[i - 2].end)
    ):
        return mark.said
    if mark.said in ".…!?":
        return "." if words[i].start > mark.end else ""
    return mark.said if ord(mark.said[0]) > 0x2010 and not mark.said[0].isalnum() and mark.said not in "’‘“”" else ""


def _small(words: list[Word], a: int, b: int) -> bool:
    """True if nothing but greetings, thanks and fillers stands there."""
    said = [w.said for w in words[a:b] if w.said[0].isalnum()]
    return (
        bool(said)
        and len(said) <= 5
        and all(word in SMALL for word in said)
        and said[0] not in ("a", "so", "this", "all")
    )


def _may_stand(words: list[Word], a: int, end: int) -> bool:
    """True if what comes before a question says something of its own, and is not where or when it is asked about."""
    first = after_leads(words, a)
    if first >= end:
        return True
    said = words[first].said
    if has_finite(words[first:end]):
        finites = sum(is_finite(w.said) for w in words[first:end])
        return said not in SUBORDINATES or finites >= 2
    return said not in _PREPOSITIONS and said not in SUBORDINATES and said not in _ADVERBS and end - first >= 2


def _splits(left: list[Word], words: list[Word], i: int, j: int, mark: str) -> bool:
    """True if a clause with its own subject begins at `j` and neither half leans on the other."""
    if not begins_clause(words, j, bare=not mark):
        return False
    said = [w.said for w in left]
    conjunction = words[i].said if i < j else ""
    if j + 2 >= len(words) and words[j].said in SUBJECTS | FUSED and words[-1].said in AUXILIARIES | {"not"}:
        return False  # "but i'm not" says nothing by itself
    first = after_leads(left)
    asks = opens_question(left, first, first=True)
    if asks and mark == ":":
        return False  # "true or false: ..."
    order = asks or opens_order(left, 0)
    talk = is_small_talk(left)
    if any(word in CONDITIONS for word in said):
        return False
    if not has_finite(left[first:]) and not order and not talk:
        return False
    if talk and mark:
        return True
    finites = sum(is_finite(w) or w in ("i", "we", "he", "she", "they", "it") for w in said)
    openings = sum(w in SUBORDINATES and w not in ("like", "as", "than", "that") for w in said)
    if first < len(left) and left[first].said in SUBORDINATES and finites < 2 + openings:
        return False
    if finites <= sum(w in ("who", "which", "whose", "whom") for w in said) and not order:
        return False
    last = max((k for k, w in enumerate(said) if w in SUBORDINATES and w not in _LOOSE), default=-1)
    if last >= 0 and not any(is_finite(w) for w in said[last + 1 :]):
        return False
    if conjunction == "but" and (any(w in UNDONE for w in said) or {"was", "going"} <= set(said)):
        return False
    if "not" in said and ("only" in said or "just" in said or "that" in said) or said[:1] == ["not"]:
        return False
    if order:
        return (bool(mark) and not conjunction or conjunction == "but") and not any(
            w in ("saying", "says", "that", "whether", "how") for w in said[first + 1 + 2 * (mark == ":") :]
        )
    if conjunction == "so" and any(w.said in MODALS or w.said in ("don't", "dont") for w in words[j + 1 : j + 3]):
        return bool(mark) and words[j].said not in FIRST
    if any(w in REPORTS for w in said):
        return conjunction == "but" and words[j].said in FIRST
    return True


def begins_clause(words: list[Word], j: int, *, bare: bool = False) -> bool:
    """True if a subject with its finite verb stands at `j`. bare: no mark is there, so the subject must be sure."""
    steps = 0
    while j < len(words) and words[j].said in _ADVERBS and steps < 3:
        j, steps = j + 1, steps + 1
    if j + 1 < len(words) and words[j].said in ("last", "next", "this", "every") and words[j + 1].said in _TIMES:
        j += 2
    if j + 1 >= len(words):
        return False
    word, after = words[j].said, words[j + 1].said
    if word in FUSED:
        return after[0].isalnum()
    if word in YOU_SUBJECT:
        return after[0].isalnum() and after not in JOINERS
    if word in SUBJECTS:
        if word in ("i", "we", "he", "she", "it", "they"):
            return (
                after[0].isalpha()
                and after not in _PREPOSITIONS | JOINERS | SUBORDINATES | {"or", "all", "both"}
                or after == "like"
                or (after in ("all", "both") and has_finite(words[j + 2 : j + 4]))
            )
        return any(is_finite(w.said) for w in words[j + 1 : j + 3])
    return _noun_begins(words, j, bare)


_TIMES = frozenset("week month year summer winter spring autumn time weekend morning night evening day".split())


def _noun_begins(words: list[Word], j: int, bare: bool) -> bool:
    word = words[j]
    if word.said in SUBORDINATES | _PREPOSITIONS | AUXILIARIES | {"or", "not", "no", "nor"} and word.said != "no":
        return False
    owned = word.said in POSSESSIVES or word.said == "the" or word.capital
    if bare and word.said not in ("my", "our"):
        return False
    reach = 6 if owned or word.said in DETERMINERS else 3
    sure = _SURE if owned else AUXILIARIES
    if (
        word.capital
        and word.said.endswith("'s")
        and words[j + 1].said in _PARTICIPLES | {"coming", "going", "gone", "been"}
    ):
        return True
    for k in range(j + 1, min(j + reach, len(words))):
        said = words[k].said
        if said in sure or owned and said not in _PARTICIPLES and is_finite(said) and not said.endswith("ed"):
            return True
        if owned and third_form(said) and k + 1 < len(words) and words[k + 1].said in OBJECTS:
            return True
        if said.endswith("'s") and not owned:
            return False
        if said in SUBORDINATES | JOINERS | {"or", "to"} or said in SUBJECTS | FUSED or said in _BREAKS:
            return False
        if not said[0].isalnum() or said in _PREPOSITIONS and (said not in ("of", "in", "at", "from") or not owned):
            return False
    return False


_CUT = frozenset(
    "hi hey hello hiya heya heyy hii yo ok okay okey k kk well so and but also then oh ah aha um umm uh er erm hmm "
    "hm lol lmao haha hahaha hehe omg ugh argh btw fyi anyway anyways honestly tbh ngl actually pls please plz "
    "thanks thx ty cheers sorry soz n nd plus & basically like alright right yeah yea yep yes nope no nah mate bro "
    "dude bruh wow great cool nice perfect awesome lovely though tho".split()
)
_NEEDS_COMMA = frozenset(
    "like right yeah yea yep yes nope no nah mate bro dude bruh wow great cool nice perfect awesome lovely sorry "
    "though tho thanks basically cheers well please pls plz so then also plus actually".split()
)


def _behind_leads(words: list[Word], a: int, b: int) -> tuple[int, bool]:
    """Where a clause begins behind its openers, and whether those are a clause of their own ("hi there", "yes")."""
    i, own = a, False
    while i < b:
        said = words[i].said
        after = words[i + 1].said if i + 1 < b else ""
        if not said[0].isalnum() and said not in "\"'“‘«(#@£$€¥":
            i += 1
            continue
        length = says(words, i, LEAD_IN)
        if length and i + length < b and _goes_on(words, i, length, b):
            i += length
            continue
        if (
            said in _CUT
            and i + 1 < b
            and not _hyphened(words, i)
            and (said not in _NEEDS_COMMA or not after[0].isalnum() or _joins(words, i, b))
        ):
            if said in ("hi", "hello", "hey", "hiya") and after in ("there", "all", "everyone", "again", "guys", "you"):
                i += 1
            own = own or said in ("hi", "hello", "hey", "thanks", "yes", "no", "nope", "yep", "yeah")
            i += 1
            continue
        break
    if i >= b:
        return a, False
    if own and not has_finite(words[i:b]) and words[a].said in ("yes", "no", "yeah", "yep", "nope"):
        return a, False
    return i, own


def _hyphened(words: list[Word], i: int) -> bool:
    """True for the first part of a word: "great-uncle"."""
    return words[i + 1].said in "-'/&" and words[i + 1].start == words[i].end


def _joins(words: list[Word], i: int, b: int) -> bool:
    return words[i].said in ("so", "then", "also", "plus", "actually", "sorry", "well", "yeah") and begins_clause(
        words, i + 1
    )


def _goes_on(words: list[Word], i: int, length: int, b: int) -> bool:
    """True if behind a lead-in there stands what it leads in, and not its object ("remember my birthday")."""
    if words[i + length - 1].said == "remember":
        return begins_clause(words, i + length)
    return True
