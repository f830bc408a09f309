"""People and things that a message speaks of: whom "he" or "she" can mean, and what a speaker calls theirs."""

import re

from mem0_slm.said.wording import AUXILIARIES, FINITE

_MEN = frozenset(
    "father dad daddy papa stepdad stepfather husband hubby brother stepbrother son stepson grandson grandfather "
    "grandad grandpa uncle nephew boyfriend groom man guy bloke boy lad landlord king".split()
)
_WOMEN = frozenset(
    "mother mum mom mama mummy stepmum stepmother wife missus sister stepsister daughter stepdaughter granddaughter "
    "grandmother grandma gran nan nonna aunt auntie aunty niece girlfriend bride woman lady girl lass landlady".split()
)
_EITHER = frozenset(
    "friend mate partner fiance fiancee spouse ex kid child baby toddler cousin neighbour neighbor doctor gp surgeon "
    "nurse dentist therapist counsellor counselor teacher tutor coach trainer instructor professor supervisor "
    "lecturer boss manager colleague coworker agent flatmate roommate roomate housemate lodger tenant sponsor eldest "
    "youngest twin owner rep dietitian physio osteopath midwife consultant companion buyer seller client customer "
    "dog cat horse puppy kitten rabbit parrot captain vicar "
    "priest pastor imam rabbi deacon chef judge guest pupil student person guide queen prince host cop ceo cto "
    "principal "
    "dean sergeant nanny maid plumber widow widower crush date pal buddy".split()
)
PERSONS = _MEN | _WOMEN | _EITHER
FAMILY = (_MEN | _WOMEN) - frozenset("man guy bloke boy lad king woman lady girl lass bride groom".split())
KIN = FAMILY | frozenset(
    "partner fiance fiancee boss manager sponsor surgeon therapist supervisor flatmate roommate housemate".split()
)
"""People whom one speaks of without an owner if they are one's own: "hubby is on nights", "surgeon says"."""
THINGS = frozenset(
    "house flat home roof kitchen garden garage lease rent mortgage shop job budget deadline submission dinner wedding "
    "funeral ceremony premiere flight train appointment shift shifts back knee hip shoulder achilles ankle car "
    "van bike club depot school team lecturer lecturers course exam test thesis phone laptop landlord landlady boiler "
    "stove interview cellar bus buggy allotment parrot dog cat eldest children daughter son "
    "friend dentist nursery tenants".split()
)
"""What one speaks of as "the" or without an article if it is one's own."""
_GROUPS = frozenset("kids boys girls parents twins sons daughters sisters brothers grandparents nieces nephews".split())
_NOT_PEOPLE = frozenset(
    "i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june he she it they we you this that there my our his her their the a an and but so if when now then also "
    "not no yes july august september october november december english french german spanish nhs uk us usa "
    "eu ok tv".split()
)
_NO_WORKERS = frozenset(
    "computer letter dinner weather water paper summer winter number order corner cover monitor colour color river "
    "tower shower flower power centre center offer printer laser butter sweater trailer cooker boiler freezer "
    "toaster counter finger shoulder liver cancer ulcer fever semester quarter chapter newsletter helicopter "
    "scooter charger folder september october november december after over under ever never other another either "
    "whether rather together floor door mirror motor error tractor tutor elevator minor major tumor tumour "
    "interior exterior debtor restaurant plant want giant grant variant list twist wrist fist mist assist exist "
    "consist resist persist insist human woman german italian indian asian her per super dollar longer better "
    "bigger smaller later older younger lower higher".split()
)
_DETERMINERS = frozenset("the a an my our his her their this that another some".split())
_WORKS = ("er", "or", "ist", "ian", "man", "woman", "ant", "eer")
"""Endings of what people are called by what they do."""
_AT = frozenset("in at from to near of on via around outside off through the by for".split())
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[.!?\n,;:()]")


def meant_by(pronoun: str, before: str) -> list[str]:
    """What "he" or "she" stands for, in wordings of a statement, if the text before it leaves one choice; [] if not."""
    if pronoun == "they":
        return _several(before)
    found = [person for person in _people(before) if _can_be(pronoun, person[0])]
    if len({person[1] for person in found}) != 1:
        return []
    named = [person[2] for person in found if person[2]]
    return list(dict.fromkeys(wording for person in found for wording in person[3])) + named[:1]


def _several(before: str) -> list[str]:
    """The one group of people of the speaker's that a text names."""
    words = [word.casefold() for word in _WORD.findall(before[-600:])]
    found = [k for k, word in enumerate(words) if word.endswith("s") and (word in _GROUPS or word not in PERSONS)]
    groups = [k for k in found if words[k] in _GROUPS]
    if len(groups) != 1:
        return []
    k = groups[0]
    own = next((back for back in (1, 2, 3) if k >= back and words[k - back] in ("my", "our")), 0)
    others = [i for i in found if i > k and len(words[i]) > 3]
    return [" ".join(["user's", *words[k - own + 1 : k + 1]])] if own and not others else []


def names(text: str) -> frozenset[str]:
    """Words of a text that may be names of people, in lower case."""
    words = _WORD.findall(text)
    found = (word for k, word in enumerate(words) if _may_be_name(words, k, words[k + 1] if k + 1 < len(words) else ""))
    return frozenset(word.casefold().removesuffix("'s").removesuffix("’s") for word in found) - PERSONS


def _can_be(pronoun: str, head: str) -> bool:
    return head not in (_WOMEN if pronoun == "he" else _MEN)


def _people(text: str) -> list[tuple[str, str, str, list[str]]]:
    """(head noun, who it is, name or "", wordings) of everyone spoken of, names that may be people included."""
    words = _WORD.findall(text[-600:])
    found: list[tuple[str, str, str, list[str]]] = []
    named: dict[str, str] = {}
    skip = -1
    for k, word in enumerate(words):
        plain = word.casefold().replace("’", "'").removesuffix("'s")
        after = words[k + 1] if k + 1 < len(words) else ""
        if k <= skip:
            continue
        if plain in PERSONS and not (plain == "man" and k and words[k - 1].casefold() == "best"):
            name, skip = _name_after(words, k)
            in_law = [word.casefold() for word in words[k + 1 : k + 3]] == ["in", "law"]
            wordings = [] if in_law else _wordings(words, k, plain, name)
            who = named.get(name, " ".join(wordings[:1]) or f"{plain} {k}")
            if name:
                named[name] = who
            found.append((plain, who, name, wordings))
        elif k and plain.endswith(_WORKS) and len(plain) > 4 and plain not in _NO_WORKERS and _is_noun(words, k):
            found.append((plain, f"{plain} {k}", "", []))
        elif _may_be_name(words, k, after):
            name = word.removesuffix("'s").removesuffix("’s")
            sure = after.casefold() in FINITE | AUXILIARIES or word != name
            found.append(("", named.setdefault(name, name), name if sure else "", []))
    return found


def _name_after(words: list[str], k: int) -> tuple[str, int]:
    """The name that follows a noun for a person, a comma between or not, and the place of its last word."""
    at = k + 2 if words[k + 1 : k + 2] in ([","], ["("]) else k + 1
    if at < len(words) and words[at][:1].isupper() and words[at].casefold() not in _NOT_PEOPLE:
        return words[at].removesuffix("'s").removesuffix("’s"), at
    return "", -1


def _wordings(words: list[str], k: int, plain: str, name: str) -> list[str]:
    """How a statement may call a person of the speaker's: [] for somebody else's."""
    for back in range(1, 4):
        word = words[k - back].casefold() if k >= back else ""
        if word in ("my", "our"):
            own = " ".join(["user's", *words[k - back + 1 : k], plain])
            break
        if not word.isalpha() or word in ("his", "her", "their", "a", "an", "another"):
            if back > 1 or (word and word.isalpha()) or plain not in KIN:
                return []
            own = f"user's {plain}"
            break
    else:
        return []
    return [own, f"{own} {name}"] if name else [own]


def _is_noun(words: list[str], k: int) -> bool:
    """Whether a determiner stands before a word, an adjective between or not."""
    return bool(_DETERMINERS & {word.casefold() for word in words[max(0, k - 2) : k]})


def _may_be_name(words: list[str], k: int, after: str) -> bool:
    word = words[k]
    if not word[:1].isupper() or word.isupper() or word.casefold() in _NOT_PEOPLE or word.isdigit():
        return False
    if k and words[k - 1] not in ".!?\n":
        return words[k - 1].casefold() not in _AT and not (k and words[k - 1][:1].isupper())
    return after.casefold() in FINITE | AUXILIARIES or after in (",", "(")
