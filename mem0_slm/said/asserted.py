"""What somebody tells in passing, inside a question or a request: `asserted` and `mentioned`.

"Is that bad, my blood pressure was 145 last week" asks, and tells. So do reasons ("because we have no oven") and
clauses about the speaker's own people ("my niece who is coeliac"). Only the part that tells is taken; where the
question depends on it ("if I take it, ...", "do you think I'm late and ..."), nothing is.
"""

import re


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


_BE = _any(
    "am is are was were has have had isn'?t aren'?t wasn'?t weren'?t hasn'?t haven'?t hadn'?t can'?t won'?t doesn'?t"
)
_DOES = _any(
    "have had was got get live work do did don'?t didn'?t can'?t cannot couldn'?t haven'?t wasn'?t moved started "
    "bought wear take use drive run walk eat sleep teach study play own keep lost broke quit stopped retired "
    "speak hate love like need want rent paid pay earn weigh suffer struggle commute travel fly swim cook bake "
    "sell make grew"
)
_WE_DO = _any("have had got live moved bought don'?t can'?t didn'?t rent own keep eat were")
_FREELY = r"(?: \w+ly| also| just| already| still| only| always| never| usually)?"
_I = rf"(?:i'?m|i am|i'?ve|i{_FREELY} {_DOES}\b|we'?re|we are|we'?ve|we {_WE_DO}\b)"
_MINE = rf"(?:my|our) (?:[\w'-]+ ){{1,4}}?(?:{_BE}|does|hates?|loves?|lives?|works?|likes?|wants?)\b"
_MINE_SHORT = r"(?:my|our) (?:[\w-]+ ){0,3}?[\w-]+'s (?:an? |the |in |on |at |\d|allerg|not |only )"
_UNSURE = _any("ok okay right normal bad safe worth possible true better huh")
_OTHER = (
    r"(?:(?:s?he|it|they|that)(?:'s|'re|'ve| is| are| was| were| has| have| had)|s?hes|theyre|theyve|its) "
    rf"(?!{_UNSURE}\b)"
)
_SAYS = rf"(?:{_I}|{_MINE}|{_MINE_SHORT}|{_OTHER})"
_REASON = re.compile(
    rf"(?<!just )\b(?:because|cause|cuz|cos|coz|since|now that|given that|seeing as|as) (?={_SAYS})", re.IGNORECASE
)
_ASIDE = re.compile(
    rf"(?:[,;:–—(]|\s-) *(?:(?:and|but|cause|cuz|cos|because|btw|fyi|also|plus|as) )?(?={_SAYS})", re.IGNORECASE
)
_JOINED = re.compile(rf"\s(?:and|but) (?={_SAYS})", re.IGNORECASE)
_RUN_ON = re.compile(
    rf"\b(?:my|our) (?:[\w-]+ ){{1,4}}?(?=(?:s?he's|s?hes|they're|theyre|it's)\s(?!{_UNSURE}\b))", re.IGNORECASE
)
_WHO = re.compile(
    r"\b(?:my|our) (?:[\w'-]+ ){0,3}?[\w'-]+,? (?:who|which|that)(?:'s|s)? "
    r"(?!(?:i|i'?m|i'?ve|you|we|to|would|should|could|can)\b)[^,;?!.]+",
    re.IGNORECASE,
)
_ASKING = _any(
    "can could would will should is are am do does did what whats which who how hows when where why any please "
    "pls help give tell suggest right no yes correct ok okay thoughts ideas"
)
_ASKS_AGAIN = re.compile(
    rf"[,;:–—(] *(?:so |and |but |or )?(?={_ASKING}\b)"
    r"|\s(?=(?:can|could|would|should) (?:i|you|u|we)\b)|\s(?:so|and) (?=(?:what|how|which|can|could|should) )|\?",
    re.IGNORECASE,
)
_DOUBTING = _any(
    "if whether unless suppose supposing imagine assuming pretend think thinks believe sure wonder wondering mean "
    "means say says said true claim saying telling asking rewrite translate proofread reword paraphrase dunno idk"
)
_DEPENDS = re.compile(rf"\b(?:that i|as if|like i|don'?t know|no idea|{_DOUBTING})\b", re.IGNORECASE)
_TAG = re.compile(r",? ?(?:right|yeah|no|correct|yes|innit|true|ok|okay|huh|eh)? *[?？]*\s*$", re.IGNORECASE)
_OPENS = re.compile(rf"{_SAYS}|(?:got|been|just|currently|recently|moved|bought|started|born) ", re.IGNORECASE)
_SUPPOSES = _any("would could should might maybe perhaps if unless you your u ur huh eh")
_HYPOTHETICAL = re.compile(rf"\b{_SUPPOSES}\b", re.IGNORECASE)
_LOOKING = _any("looking planning trying hoping after")
_WISH = re.compile(
    r"(?:(?:hi|hey|hello|ok|okay|so|well|also|and|but|please|pls),? )*"
    rf"(?:(?:i|we) (?:really |just |also |still )?(?:need|want|would like)|i'd like"
    rf"|(?:i'?m|i am|we'?re|we are) {_LOOKING}|need|needing|{_LOOKING}) "
    r"(?!(?:you|u|help|to know|your|to ask|advice)\b)",
    re.IGNORECASE,
)
_FORBIDS = re.compile(
    r"(?:please |pls |ok |so |and )*(?:don'?t|do not|never|stop|no more|avoid) "
    r"(?!(?:worry|let|forget|mind|know|tell|think|get|judge|laugh|bother|panic|remind|put|include|add)\b)\w+ \w+",
    re.IGNORECASE,
)
_STANDING = re.compile(
    r"\b(?:always|never|ever|from now on|in future|in the future|any ?more|every time|each time|whenever|whatever you|"
    r"anything you|everything you|all your|at all times|as a rule|by default|going forward)\b",
    re.IGNORECASE,
)
_STOPS_PHRASE = _any(
    "paid bought got left went made took gave told came sold lost kept "
    "is are was were has have had can could will would should shall may might must does do did says? said wants? "
    "needs? keeps? makes? gets? goes and but or if when while because so that who which whose what how where why "
    "i i'm im you u he she they it we please pls without instead to before after than as not never"
)
_ENDS_PHRASE = rf"{_STOPS_PHRASE}\b|\w{{3,}}ed\b"
_MINE_PHRASE = re.compile(
    rf"\b(?:my|our) (?!{_STOPS_PHRASE}\b)[\w'’-]+"
    rf"(?: (?!{_ENDS_PHRASE})[\w'’-]+(?:\.\d+)?){{0,12}}",
    re.IGNORECASE,
)
_FICTION = _any(
    "character protagonist novel story poem song lyrics roleplay pretend imagine hero heroine villain script d&d "
    "campaign fictional rewrite translate proofread"
)
_INVENTED = re.compile(rf"\b{_FICTION}\b", re.IGNORECASE)
_DANGLING = frozenset("for with in on at of from about by into over my our a an the this these his her their".split())
_REMINDS = re.compile(
    r"(?:(?:can|could|will|would) you |please |pls )?"
    rf"(?:as you (?:may )?know|as (?:i|we) (?:said|mentioned)|like i said|remember|note|keep in mind|bear in mind)"
    rf"(?: that)?,? (?={_SAYS})",
    re.IGNORECASE,
)
_ASKS_LAST = re.compile(
    r"(?<!\bknow)(?<!\btell)(?<!\bask)(?<!\basked)(?<!\bsee)(?<!\bof)(?<!\babout)(?<!\bsure)(?<!\bthat)(?<!\bwhat)"
    r"(?<!\bwhere)(?<!\bhow)(?<!\bwonder)(?<!\bthink)(?<!\bthis)(?<!\bit)(?<!\bif)[ ,]+"
    r"(?=is (?:this|that|it) (?:normal|ok|okay|right|bad|safe|legal|worth|true|possible|weird|fine)\b|"
    r"(?:should|can|could|do|am) i \w|what (?:do|should|can) i |how (?:do|can|should) i )",
    re.IGNORECASE,
)
_ASKS_FIRST = re.compile(r"(?:where|what|whats|which|who|how|why|be honest)\b", re.IGNORECASE)
_TAGS = frozenset("right innit huh eh".split())
_BEFORE_NO_TAG = frozenset(
    "the on is be not all 's that's thats turn my to went feels feel seems sounds goes go it just me quite about "
    "was turns keep keeps left".split()
)
LEAST_WORDS = 2


def asserted(text: str) -> list[tuple[int, int]]:
    """(start, end) of what a question or request in English asserts in passing, in order; [] for nothing."""
    if len(text) > 600 or _INVENTED.search(text):
        return []
    whole = _whole(text)
    if whole:
        return [whole]
    depends = _DEPENDS.search(text)
    limit = depends.start() if depends else len(text)
    found: list[tuple[int, int]] = []
    for pattern, always in ((_REASON, True), (_ASIDE, False), (_JOINED, False), (_RUN_ON, False)):
        for match in pattern.finditer(text):
            start = match.start() if pattern is _RUN_ON else match.end()
            if (depends and start > limit) or (pattern is _JOINED and text.rstrip().endswith("?")):
                continue
            found.append(_bounded(text, start, always))
    if not depends:
        found += [_bounded(text, match.start(), True) for match in _WHO.finditer(text)]
    return _apart(text, [span for span in found if span])


def stands_alone(text: str, start: int, piece: str) -> bool:
    """Whether a piece of a question or request says the same by itself: nothing before it supposes or doubts it."""
    return not (
        _DEPENDS.search(text, 0, start)
        or _INVENTED.search(text)
        or _HYPOTHETICAL.search(piece)
        or _ASKS_AGAIN.match(f", {piece}")
    )


def mentioned(text: str) -> list[tuple[int, int]]:
    """(start, end) of what a question or request in English says that the speaker has: "my late father's 400 records".

    Only phrases of four words and more, or with a name or number: "my cat" tells nothing that the rest does not.
    """
    if len(text) > 600 or _INVENTED.search(text):
        return []
    found = []
    doubt = _DEPENDS.search(text)
    for match in _MINE_PHRASE.finditer(text, 0, doubt.start() if doubt else len(text)):
        phrase = match[0].rstrip(" ,;:-–—'\"")
        while phrase.split()[-1].casefold() in _DANGLING:
            phrase = phrase.rpartition(" ")[0].rstrip()
        words = phrase.split()
        if len(words) >= 4 or any(word[:1].isupper() or word[:1].isdigit() for word in words[1:]):
            found.append((match.start(), match.start() + len(phrase)))
    return found


def reminded(text: str) -> tuple[int, int] | None:
    """(start, end) of what a clause reminds the assistant of: "as you know ...", "could you remember ..."."""
    match = _REMINDS.match(text)
    if not match:
        return None
    again = _ASKS_AGAIN.search(text, match.end())
    return match.end(), len(text[: again.start() if again else len(text)].rstrip(" ,;:-–—(.?!"))


def asks_from(text: str) -> int | None:
    """Where a statement of chat goes over into a question without a mark ("... is this normal"); None for nowhere."""
    words = text.casefold().replace("’", "'").split()
    tagged = len(words) > 2 and words[-1] in _TAGS and words[-2] not in _BEFORE_NO_TAG
    if tagged or (_ASKS_FIRST.match(text) and not {"i", "i'm", "im", "my", "we"} & set(words[:4])):
        return 0
    match = _ASKS_LAST.search(text)
    return match.start() if match else None


def lasting_kind(text: str) -> str:
    """The kind of a request that tells what is wanted beyond this answer: "wish", "standing_request", or ""."""
    if _WISH.match(text) and len(text.split()) >= 4:
        return "wish"
    if _FORBIDS.match(text):
        return "standing_request"
    return "standing_request" if _STANDING.search(text) and not text.rstrip().endswith("?") else ""


def _whole(text: str) -> tuple[int, int] | None:
    """All of a clause that begins by telling and ends before a question, or without one; None for any other."""
    if not _OPENS.match(text) or _DEPENDS.search(text) or _HYPOTHETICAL.search(text) or asks_from(text) == 0:
        return None
    again = _ASKS_AGAIN.search(text, 1)
    if again and text[again.start()] in "?？":
        return None
    end = len(text[: again.start() if again else len(text)].rstrip(" ,;:-–—("))
    return (0, end) if len(text[:end].split()) >= LEAST_WORDS else None


def _bounded(text: str, start: int, always: bool) -> tuple[int, int]:
    """The assertion that begins at a place, up to where the text asks again; (0, 0) where it is what is asked."""
    again = _ASKS_AGAIN.search(text, start + 1)
    end = again.start() if again else len(text)
    asks = text[end : end + 1] in ("?", "？") and not always
    if asks and _TAG.search(text[start:]) and len(text[start:end].split()) < 4:
        return (0, 0)
    return (start, end)


def _apart(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order, none over another, trimmed; none that supposes something or speaks to "you"."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        piece = text[start:end].rstrip(" ,;:-–—(?!.\"'”’")
        end = start + len(piece)
        if kept and start < kept[-1][1]:
            continue
        if len(piece.split()) >= LEAST_WORDS and not _HYPOTHETICAL.search(piece) and asks_from(piece) != 0:
            kept.append((start, end))
    return kept
