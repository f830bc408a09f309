"""What a user typed about themselves, turned into third person by rule, and None wherever the rules are not sure.

"I moved to Leeds in May and my wife hates it" -> "User moved to Leeds in May and User's wife hates it". Only the words
for the speaker and the verbs that agree with them change; no word of substance is added, left out or moved.
"""

import re

from mem0_slm.person import elided, verbs
from mem0_slm.person.agreement import ACTIVITIES, turned
from mem0_slm.person.speaker import JOINT, OTHERS, Word

_LONGEST = 1000
"""Characters; a longer stretch is no statement."""
_WORD = re.compile(r"\d+(?:[.,:/]\d+)+\w*|\w+(?:['-]\w+)*")
_SENTENCE_END = re.compile(r"(?:[.!…]+[)\]\"”']*(?=\s|$)|\n)\s*")
_ABBREVIATIONS = frozenset(
    """dr mr mrs ms st vs approx e.g i.e no prof jr sr ca min max tel inc ltd a.m p.m e g i m""".split()
)
_YOU = frozenset(
    """you u ur yr your yours yourself ya yall y'all thou please pls plz lets let's ye youse kindly dey wey
abeg""".split()
)
_MENDED = verbs.table(
    """im: i am; i'm: i am; iam: i am; i'am: i am; ive: i have; i've: i have; i'll: i will; i'd: i 'd; i'v:
i have; we're: we are; we've: we have; weve: we have; we'll: we will; we'd: we 'd; dont: don't; cant: can't;
wont: won't; isnt: isn't; doesnt: doesn't; didnt: didn't; wasnt: wasn't; havent: haven't; hasnt: hasn't;
couldnt: couldn't; shouldnt: shouldn't; wouldnt: wouldn't; arent: aren't; werent: weren't; hadnt: hadn't;
thats: that's; theyre: they're; theyve: they've; hes: he's; idk: i don't know; idc: i don't care; imo: in my
opinion; imho: in my opinion; afaik: as far as i know; iirc: if i remember correctly; should've: should
have; could've: could have; would've: would have; shud: should; wud: would; cud: could; mine's: mine is;
meself: myself; shes: she's; theres: there's; havnt: haven't; dosnt: doesn't; doesn: doesn't; didn: didn't;
dont': don't; wanna: want to; gonna: going to; dunno: don't know; hafta: have to; tryna: trying to; aint:
ain't; luv: love; imma: i am going to; ima: i am going to"""
)
_ASKING = frozenset(
    """who whose why how which what where than guess who's what's whats hows wheres whos how's where's""".split()
)
_LATER = frozenset("if when whenever while although though since as unless until before after once because cos".split())
_ORDERS = frozenset(
    """convert compose edit estimate guess sort turn mix use bear wish strike kindly pray draft proofread
list suggest imagine pretend suppose let rank rewrite compare pick reply answer spell""".split()
)
_MINE = frozenset("i my we".split())
_NO_GERUNDS = frozenset(
    """during according anything something nothing everything evening morning wedding building ring thing
king spring string ceiling""".split()
)
_EMPTY = frozenset("do did can could am was will would have had don't can't didn't know think guess see".split())
_THINGS = frozenset("budget name age size date address number height weight rent price salary dose birthday".split())
_BEFORE_NOUNS = _LATER | frozenset(
    """all both half such what with for in on at from to of by about without during like over under after
near and but or so not now then here there today tomorrow yesterday tonight once despite except between this
that i he she it they we is was maybe perhaps even only just also besides inside outside behind across
around through plus via per monday tuesday wednesday thursday friday saturday sunday""".split()
)
_GERUND_VERBS = frozenset("helps makes keeps gives is was calms relaxes hurts takes costs works feels means".split())
_PREPOSITIONS = frozenset("for in on at with to from of by about like without during".split())


_WITH_SUBJECTS = verbs.FINITE | OTHERS | {"i", "we"}
_POINTING = elided.DETERMINERS | elided.OBJECTS | _PREPOSITIONS | {"up", "out", "off", "back"}


_OF_SEVERAL = re.compile(
    r"(?:^|[,;.!] (?:but |and |so )?)(?:mine|ours)\b|\b(?:not with|about|of|between) us\b|"
    r"\bwe(?:'re| are|re| were) (?:an?|the) ",
    re.IGNORECASE,
)
"""Where the speaker's own has no noun, or "us" is more than the speaker: no sure third person."""


def third_person(said: str, subject: str = "User") -> str | None:
    """A stretch of a user's English in third person, without final full stop; None where the rules are not sure.

    said is one or several clauses with what stands between them. A subject left out in the first sentence ("moved to
    Leeds") is taken for the speaker: whoever calls must know that no one else is spoken of before it.
    """
    text = re.sub(r"[ \t\r]+", " ", re.sub("[’‘`´]", "'", said)).strip()
    if len(text) > _LONGEST or "?" in text or _quotes_someone(text) or _OF_SEVERAL.search(text):
        return None
    sentences: list[str] = []
    speaker = True
    for sentence, end in _sentences(text):
        words = _read(sentence)
        if not words:
            continue
        found = _sentence(words, subject, speaker)
        if found is None:
            return None
        speaker = found.startswith(f"{subject} ") and not found.startswith(f"{subject} and ")
        sentences += [found, end]
    if sentences:
        sentences[-1] = re.sub(r"[.!…\s]+", "", sentences[-1])
    text = "".join(sentences)
    return (text.strip('"') if text.count('"') == 1 else text) or None


def _sentences(text: str) -> list[tuple[str, str]]:
    """Sentences, each with the mark and space after it; "Dr. Smith" is not divided."""
    found, start = [], 0
    for mark in _SENTENCE_END.finditer(text):
        before = text[start : mark.start()].split()
        if mark[0].startswith(".") and before and before[-1].casefold() in _ABBREVIATIONS:
            continue
        end = mark[0] if mark[0].strip() else ". "
        found.append((text[start : mark.start()], end))
        start = mark.end()
    return [*found, (text[start:], "")]


def _quotes_someone(text: str) -> bool:
    """True if a quotation holds words for its own speaker: who "I" is there we do not know."""
    quoted = re.findall(r'["“«]([^"”»]*)["”»]?', text) + re.findall(r"(?<![\w])'(\w[^']*)'(?!\w)", text)
    return any(re.search(r"(?i)\b(?:i|im|ive|i'\w+|me|my|mine|we|our|us)\b", quote) for quote in quoted)


def _read(sentence: str) -> list[Word]:
    """The words of a sentence without fillers and marks at its edges."""
    words: list[Word] = []
    at = 0
    for found in _WORD.finditer(sentence):
        low, gap = found[0].casefold(), sentence[at : found.start()]
        parts = _MENDED.get(low, low).split()
        if low == "of" and words and words[-1].low in verbs.MODALS:
            parts = ["have"]
        if low in ("id", "ill", "gotta"):
            parts = _apart(sentence, found, words)
        for number, part in enumerate(parts):
            out = found[0] if len(parts) == 1 and part == low else part
            words.append(Word(part, out, " " if number else gap))
        at = found.end()
    tail = sentence[at:]
    start, end = elided.edges([w.low for w in words], [*(w.gap for w in words), tail])
    tail = tail if end == len(words) else ""
    words = words[start:end]
    if words:
        opening = re.search(r"[(\"“'£$€+]*$", words[0].gap)
        words[0].gap = opening[0] if opening else ""
        closing = re.match(r"[)\]\"”'%€£$+]+", tail)
        words[-1].out += closing[0] if closing else ""
    return words


def _apart(sentence: str, found: re.Match[str], words: list[Word]) -> list[str]:
    """Words that are something else too: "id" is "I'd" where a verb follows, "ill" is "I'll", "gotta" is "have to"."""
    low = found[0].casefold()
    rest = _WORD.findall(sentence[found.end() : found.end() + 60].casefold())
    after = next((word for word in rest if not verbs.adverb(word)), "")
    before = words[-1].low if words else ""
    if low == "gotta":
        return ["have", "to"] if verbs.base(after) or after == "be" else ["gotta"]
    starts = (
        not words or JOINT.search(sentence[: found.start()][-2:]) or before in ("and", "but", "so", "think", "hope")
    )
    if starts and (
        after == "be" or (verbs.base(after) and after not in ("need", "like", "love") or after and low == "id")
    ):
        if low == "ill" or after in ("be", "love", "like", "rather", "prefer", "have", "say", "never", "go"):
            return ["i", "will" if low == "ill" else "'d"]
    return [low]


def _sentence(words: list[Word], subject: str, speaker: bool) -> str | None:
    """One sentence in third person. speaker: whether a subject that is left out can be the speaker."""
    if len(words) > 150 or any(word.low in _YOU or word.low.startswith("you'") for word in words):
        return None
    joint = next((k for k, word in enumerate(words) if k and JOINT.search(word.gap)), len(words))
    front = elided.subject_left_out([w.low for w in words[:joint]], joint == len(words))
    if front is None or (front and not speaker):
        return None
    if front:
        words = [Word(low, low, " ") for low in front] + words
        first = words[len(front)]
        words[0].gap, first.gap, first.out = "", " ", first.low if first.out[1:].islower() else first.out
    elif not _begins_well(words):
        return None
    if not turned(words, subject):
        return None
    text = "".join(w.gap + w.out for w in words)
    return text if any(c.isupper() for c in words[0].out) else text[0].upper() + text[1:]


def _begins_well(words: list[Word]) -> bool:
    """False for a question, an order, and a sentence whose subject is missing or whose main clause is."""
    first, after = words[0].low, (words[1].low if len(words) > 1 else "")
    if len(words) == 1 or _says_nothing(words) or _orders(words):
        return False
    if first in ("what", "where") and after in ("i", "we"):
        of_its_own = OTHERS | {"it", "i", "nobody", "everyone"} if first == "where" else {"is", "was"}
        return any(word.low in of_its_own for word in words[3:])
    asks = after if first in ("then", "and", "but", "so", "or") else first
    if (asks in verbs.INVERTED | _ASKING and after != "of") or (first, after) == ("no", "longer"):
        return False
    if first == "that" and (after in OTHERS | {"i", "we", "my", "it"} or not _finite(words[1:])):
        return False
    if first in _LATER:
        subjects = sum(word.low in OTHERS | {"i", "we", "it", "my", "this"} for word in words)
        preposition = first in ("since", "after", "before", "until", "as", "once") or after in elided.DETERMINERS
        own = after in OTHERS or after in ("i", "we", "it", "this")
        return any("," in word.gap for word in words) or subjects > 1 or (preposition and not own and subjects == 1)
    return not _lacks_subject(words) and (_finite(words) or first not in _PREPOSITIONS)


def _says_nothing(words: list[Word]) -> bool:
    """True for "yes I do", "I see, ...", "not me crying", what breaks off, and "my wife she", which is no sentence."""
    first, after, third = ([word.low for word in words] + ["", ""])[:3]
    last = words[-1].low
    if last in ("is", "was", "are") and {"but", "and", "so", "than", "as"} & {word.low for word in words}:
        return False
    if last in ("is", "was", "are", "the", "a", "an", "my", "of") or first in (
        "nope",
        "nah",
        "yep",
        "yeah",
        "yes",
    ):
        return True
    if first in ("i", "we") and len(words) == 2 and after in _EMPTY:
        return True
    if first == "i" and (
        after == "see" and JOINT.search(words[2].gap) or third == "know" and words[3:4] and words[3].low in _MINE
    ):
        return True
    if first == "not" and after in ("me", "us") and third.endswith("ing"):
        return True
    return first in ("my", "our") and third in ("he", "she", "they", "it") and not JOINT.search(words[2].gap)


def _orders(words: list[Word]) -> bool:
    """True for an order: "tell me", "name five", "summarise the"."""
    first, after, third = ([word.low for word in words] + ["", ""])[:3]
    lows = [word.low for word in words]
    asides = (["bear", "with"], ["wish", "me"], ["excuse", "me"])
    if first in elided.THANKS or any(lows[k : k + 2] in asides for k in range(len(lows))):
        return True
    if first in _ORDERS or (first == "name" and (after.isdigit() or after in elided.DETERMINERS | {"for"})):
        return True
    if first in ("any", "anything", "anyone", "anybody") and {"should", "can", "could", "know", "knows"} & {
        w.low for w in words
    }:
        return True
    if (first, after, third) == ("from", "now", "on") and words[3:] and verbs.base(words[3].low):
        return True
    if after == "me" and verbs.base(first) and not verbs.alike(first):
        return True
    if third == "me" and verbs.base(after) and first in ("never", "nvr", "always", "just", "then", "also"):
        return True
    to_something = after in ("a", "an", "the", "my", "our", "me", "us", "this") and not JOINT.search(words[1].gap)
    return to_something and not (first in _BEFORE_NOUNS or first.endswith("ly") or "'" in first)


def _lacks_subject(words: list[Word]) -> bool:
    """True if a sentence seems to begin with its verb: "Returned the vacuum", "hangs crooked", "cooking since nine"."""
    first, after = words[0].low, words[1].low
    if (
        verbs.plain(first)
        or first == "been"
        or (first.endswith("ing") and first not in _NO_GERUNDS and not _gerund_is_subject(words))
    ):
        return True
    if verbs.third_form(first) and (after in _POINTING or verbs.plain(verbs.base_of(first))):
        return True
    described = any(word.low in verbs.FINITE or verbs.third_form(word.low) for word in words[2:4])
    if verbs.past(first) and (after in _POINTING or not described or not first.endswith("ed")):
        return True
    if not verbs.base(first):
        return False
    if first in ACTIVITIES and after in _PREPOSITIONS | {"there", "here"}:
        return True
    return first not in _THINGS and (after in elided.OBJECTS | {"to", "us"} or not _finite(words))


def _gerund_is_subject(words: list[Word]) -> bool:
    """True for "cooking helps me", not for "asking because I am curious"."""
    for word in words[1:6]:
        if word.low in ("i", "we", "my", "because", "since", "for", "if", "about") or word.low in OTHERS:
            return False
        if word.low in verbs.FINITE or (verbs.third_form(word.low) and word.low in _GERUND_VERBS):
            return True
    return False


def _finite(words: list[Word]) -> bool:
    """True if a word after the first can be a verb with its subject: what has none is no sentence."""
    return any(word.low in _WITH_SUBJECTS or verbs.past(word.low) or verbs.third_form(word.low) for word in words[1:])
