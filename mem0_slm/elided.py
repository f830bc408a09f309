"""What a chat leaves out of a sentence or puts at its edges: the subject ("moved to Leeds"), fillers ("ok so", "lol").

Closed lists: a sentence without a subject has one added only where the words let nothing but the speaker be meant.
"""

from mem0_slm import verbs

DETERMINERS = frozenset(
    "a an the my our some two three four five six seven eight nine ten his her their this that these those no any "
    "another one both each every".split()
)
_THING = DETERMINERS - {"this", "that", "these", "those", "his", "her", "their", "each", "both", "one"}
_ANYWHERE = verbs.phrases(
    """ok | okay | k | okey | lol | lmao | lmfao | rofl | haha | hahaha | hahah | hehe | ha | omg
| btw | tbh | ngl | fyi | tbf | fwiw | ugh | argh | hmm | hm | um | umm | uh | er | erm | ah | oh | ooh | yay |
wow | phew | meh | welp | anyway | anyways | anyhow | honestly | basically | tho | yeah | yea | yep | yup | yes
| ya | aye | hi | hello | hey | hiya | heya | hallo | hola | yo | bro | dude | mate | pal | guys | innit | smh |
xx | x | xoxo | by the way | to be honest | to be fair | not gonna lie | not going to lie | fun fact | for
context | for reference | for the record | for what it's worth | good morning | good evening | good afternoon |
good day | hi there | hey there | hello there | hi all | hello all | hi everyone | hey everyone | hello everyone
| hey guys | hi guys | just so you know | you know | ya know | y'know | yknow | as you know | believe it or not
| thanks | thank you | thx | cheers | thank you so much | thanks so much | if that helps | if it helps | if it
matters | if that matters | in case it matters | just saying | just to say | just fyi | long story short | quick
update | small update | update | ps | p.s | pps | edit"""
)
_BEFORE_SUBJECT = verbs.phrases(
    """so | well | and | but | also | plus | because | cos | coz | cuz | like | actually | right | now | look | listen
see | i mean | no | nope | nah | first of all | or"""
)
_AT_THE_END = verbs.phrases("though | so | and | but | or | actually | right")
_SUBJECTS = frozenset(
    "i my we our the he she it they there a an this that's it's he's she's they're there's me mine "
    "his her their".split()
)
_FEELS = frozenset(
    "allergic intolerant addicted engaged married divorced single pregnant diabetic coeliac celiac vegan vegetarian "
    "retired unemployed self-employed freelance widowed separated dyslexic asthmatic left-handed colourblind colorblind".split()
)
_FEELS_TO = verbs.table(
    """allergic: to; intolerant: to of; addicted: to; based: in; interested: in; scared: of; afraid: of; terrified:
of; tired: of; sick: of; keen: on; obsessed: with; fluent: in; fond: of; originally: from; new: to; married: to
with; engaged: to; worried: about; nervous: about; excited: about; proud: of; good: at; bad: at; rubbish: at;
terrible: at"""
)
_PAST = verbs.table(
    """moved: to in into out from here back house flat abroad away; relocated: to from here; went: to on back vegan
veggie; joined; lived: in on with; studied: at in for; worked: as in at; graduated: from in with last; quit: my
smoking drinking the a; bought; sold; adopted; ate; drank; visited; decided: to on; tried: to; ran: out; swam;
cycled: to; drove: to; flew: to back; booked; ordered; watched; learned: to; learnt: to; became; turned; gave: up
birth; took: up; cooked; baked; planted; painted; spent; paid; signed: up; applied: for to; grew: up; broke: up;
broken; switched: to from; stopped; began; met: up; hired; forgot: to; saw; slept: in; woke: up; wrote; got: married
engaged divorced promoted fired into home back rid; had; lost; started: at; finished; made; found; passed; failed;
built; sent; left: my the; taught; proposed: to; retired: last in from; enrolled: in on at; downloaded; stayed: in
at with"""
)
_NOT_MINE = frozenset("ages time minutes hours days weeks months long years forever".split())
_STATE = verbs.table(
    """live: in with on near at by alone; work: as at in for from nights part full remotely; have; own; need: to;
want: to; enjoy; play: the; prefer; teach; study: at; speak; hate; love; suffer: from with"""
)
_POLITE = frozenset("look go think seat good nice great lovely safe wonderful chat read guess bit".split())
_GOING_ON = verbs.table(
    """looking: for forward; thinking: of about; planning: to on a my; trying: to; hoping: to for; working: as at in
for from on nights; living: in with on at; learning; studying; training: for to as; considering; saving: for up;
moving: to house out in into; going: to on vegan; expecting: a my our twins; getting: married divorced a my;
applying: for to; staying: in at with; allergic: to; reading; writing: a my; volunteering: at in for; selling: my
our; buying: a my our; renovating; suffering: from"""
)
_DOING = frozenset(
    """coding working living learning studying playing running training trying thinking looking using taking
doing teaching cycling swimming vegan vegetarian married sober feeling struggling dating saving reading watching
having cooking baking writing driving volunteering practising practicing meditating single divorced diabetic""".split()
)
_DONT = frozenset(
    "like know have eat drink want need think smoke own drive speak understand remember live work".split()
)
_CANT = frozenset(
    "eat stand sleep afford drink decide wait remember swim drive cook stop have tolerate digest find".split()
)
_NOT = frozenset("a sure keen allergic married vegan vegetarian working into".split())


def _phrase_at(lows: list[str], phrases: list[tuple[str, ...]], at_end: bool) -> int:
    """How many words of a phrase stand at the edge; 0 for none, the longest first."""
    found = (len(p) for p in phrases if tuple(lows[-len(p) :] if at_end else lows[: len(p)]) == p)
    return max(found, default=0)


def edges(lows: list[str], gaps: list[str]) -> tuple[int, int]:
    """Where a sentence begins and ends without its fillers. gaps[k] stands before word k, the last after all words."""
    start, end = 0, len(lows)
    while start < end:
        count = _phrase_at(lows[start:end], _ANYWHERE, False)
        if not count:
            count = _phrase_at(lows[start:end], _BEFORE_SUBJECT, False)
            after = start + count
            if count and not (
                after < end
                and (
                    lows[after] in _SUBJECTS
                    or _phrase_at(lows[after:end], _ANYWHERE, False)
                    or set(",:;.-–—…\n") & set(gaps[after])
                )
            ):
                count = 0
        if not count:
            break
        start += count
    while end > start:
        count = _phrase_at(lows[start:end], _ANYWHERE, True) or _phrase_at(lows[start:end], _AT_THE_END, True)
        if not count:
            break
        end -= count
    return start, end


def _fits(table: dict[str, str], word: str, after: str, things: bool = True) -> bool:
    """True if the table has the word, and what follows is of its own list, or a thing ("a", "my", "two", "30")."""
    return word in table and (after in table[word].split() or (things and (after in _THING or after.isdigit())))


def subject_left_out(lows: list[str]) -> list[str] | None:
    """The words to put in front of a sentence that leaves out "I": [] where nothing is left out, None where not sure.

    ["moved", "to", "Leeds"] -> ["i"]; ["allergic", "to", "nuts"] -> ["i", "am"]; ["been", "coding"] -> ["i", "have"]
    """
    k = 0
    while k < len(lows) - 1 and lows[k] in (
        "just",
        "recently",
        "finally",
        "already",
        "still",
        "currently",
        "also",
        "only",
        "never",
    ):
        k += 1
    first, after, third = (lows[k:] + ["", "", ""])[:3]
    if (first in _FEELS and after in ("since", "for", "with", "from", "and", "")) or _fits(
        _FEELS_TO, first, after, False
    ):
        return ["i", "am"] if k + 1 < len(lows) else None
    if first == "born" and after in ("in", "and", "on"):
        return ["i", "was"]
    if first == "diagnosed" and after == "with":
        return ["i", "was"]
    if first == "not" and after in _NOT and third not in ("bad", "good", "problem"):
        return ["i", "am"]
    if first == "been" and (
        after in _DOING or (after == "to" and third != "be") or (after == "a" and verbs.base(third) is False)
    ):
        return ["i", "have"]
    if _fits(_GOING_ON, first, after) or (first in ("learning", "studying") and after):
        return ["i", "am"]
    if first == "used" and after == "to" and verbs.base(third) and third != "have":
        return ["i"]
    if _fits(_PAST, first, after) and not set(lows[k + 1 : k + 4]) & _NOT_MINE:
        return ["i", "have"] if first == "got" and _owned(lows[k + 1 :]) else ["i"]
    if k == 0 and _fits(_STATE, first, after) and not set(lows[1:4]) & _POLITE:
        return ["i"]
    if first in ("love", "hate", "enjoy", "prefer") and after.endswith("ing") and k == 0:
        return ["i"]
    if (first in ("don't", "didn't") and after in _DONT) or (first in ("can't", "couldn't") and after in _CANT):
        return ["i"]
    if first == "am" and after not in ("i", "we"):
        return ["i"]
    return [] if k == 0 else None


def _owned(rest: list[str]) -> bool:
    """True if "got two kids" says what there is and not what came: a count or "a" follows, and no time is told."""
    return rest[0] in _THING | {"2", "3", "4"} and not set(rest) & {
        "yesterday", "ago", "last", "today", "when", "from", "off", "for", "back", "in", "on", "this", "after", "call",
        "job"    }  # fmt: skip
