"""What a chat leaves out of a sentence or puts at its edges: the subject ("moved to Leeds"), fillers ("ok so", "lol").

Closed lists: a sentence without a subject has one added only where the words let nothing but the speaker be meant.
"""

from mem0_slm.person import verbs

DETERMINERS = frozenset(
    """a an the my our some two three four five six seven eight nine ten his her their this that these those
no any another one both each every""".split()
)
OBJECTS = frozenset("a an the my our it him them me some one".split())
_THING = DETERMINERS - {"this", "that", "these", "those", "his", "her", "their", "each", "both", "one"}
_BEGIN = verbs.phrases(
    """ok | okay | alright | okey | lol | lmao | lmfao | rofl | haha | hahaha | hahah | hehe | ha | omg |
btw | tbh | ngl | fyi | tbf | fwiw | ugh | argh | hmm | hm | um | umm | uh | er | erm | ah | oh | ooh | yay
| wow | phew | meh | welp | anyway | anyways | anyhow | honestly | basically | yeah | yea | yep | yup | yes
| aye | hi | hello | hey | hiya | heya | hallo | hola | yo | bro | dude | smh | by the way | same here | oh
my god | oh my gosh | oh god | to be honest | to be fair | not gonna lie | not going to lie | fun fact | for
context | for reference | for the record | for what it's worth | good morning | good evening | good
afternoon | kindly note that | kindly note | please note that | please note | note that | tldr | tl;dr |
good day | hi there | hey there | hello there | hi all | hello all | hi everyone | hey everyone | hello
everyone | hey guys | hi guys | hello guys | just so you know | as you know | believe it or not | thanks |
thank you | thx | cheers | thank you so much | thanks so much | just fyi | long story short | quick update |
small update"""
)
_BEFORE_SUBJECT = verbs.phrases(
    """so | well | and | but | also | plus | like | actually | right | look | listen | see | man | sorry |
gosh | damn | jeez | no | nope | nah | first of all | or | k | x | ps | p.s | pps | edit | update | mate |
pal | guys | just saying | just to say | sir"""
)
_END = verbs.phrases(
    """lol | lmao | lmfao | rofl | haha | hahaha | hahah | hehe | omg | btw | tbh | ngl | fyi | tbf | fwiw |
smh | tho | though | innit | xx | xoxo | by the way | to be honest | to be fair | not gonna lie | for
context | for reference | thanks | thank you | thx | if that helps | if it helps | if it matters | if that
matters | in case it matters | just saying | just so you know | just fyi | you know | ya know | y'know |
believe it or not | anyways"""
)
_END_AFTER_COMMA = verbs.phrases(
    """so | and | but | or | actually | right | anyway | honestly | mate | dude | bro | guys | sir | cheers
| yeah | ok | ha | ugh | basically | x | no"""
)
THANKS = frozenset("thanks thank cheers thx".split())
_MARKS = frozenset(",:;.-–—…\n")
_HANGING = frozenset("so and but or".split())
_SUBJECTS = frozenset(
    """i my we our the he she it they there a an this that's it's he's she's they're there's me mine his her
their""".split()
)
_AM = verbs.table(
    """allergic: to . since; intolerant: to of; addicted: to; based: in; interested: in; scared: of; afraid:
of; terrified: of; tired: of; sick: of; keen: on; obsessed: with; fluent: in; fond: of; originally: from;
new: to; worried: about; nervous: about; excited: about; proud: of; good: at; bad: at; rubbish: at;
terrible: at; engaged: to . since with; married: to with since for and .; divorced: since with and from .;
single: since with and .; pregnant: with and since .; diabetic: since and .; coeliac: since and .; celiac:
since and .; vegan: since for and .; vegetarian: since for and .; retired: since and from . now; unemployed:
since for and .; widowed: since with and .; separated: from since .; dyslexic: and . since; epileptic: and .
since; allergic: to . since; sober: since for; asthmatic: since and .; left-handed: and .; colourblind: and
.; colorblind: and .; lactose: intolerant; looking: for forward; thinking: of about; planning: to on a my;
trying: to; hoping: to for; working: as at in for from nights; living: in with on at; learning: *; studying:
*; training: for to as; considering: + -ing; saving: for up; moving: to house out in into; going: to on
vegan; expecting: a my our twins; getting: married divorced a my; applying: for to; staying: in at with;
writing: a my; volunteering: at in for; selling: my our; buying: a my our; renovating: +; suffering: from;
not: sure keen allergic married vegan vegetarian working into"""
)
_WAS = verbs.table("born: in and on; diagnosed: with; raised: in by; brought: up")
_HAVE = verbs.table(
    """been: coding working living learning studying playing running training trying thinking looking using
taking doing teaching cycling swimming vegan vegetarian married sober feeling struggling dating saving
reading watching having cooking baking writing driving volunteering practising practicing meditating single
divorced diabetic diagnosed off on"""
)
_I = verbs.table(
    """dropped: + **; swapped: + **; cleaned: + **; fixed: +; hired: + **; moved: to in into out from here
back house flat abroad away; relocated: to from here; went: to on back vegan veggie; joined: ** +; lived: in
on with; studied: ** at in for + law medicine engineering; worked: as in at; graduated: from in with last;
quit: my smoking drinking the a; bought: ** +; sold: ** +; adopted: ** +; ate: ** +; drank: ** +; visited:
** +; decided: to on; tried: ** to +; ran: out +; swam: +; cycled: to; drove: to +; flew: to back; booked:
** +; ordered: ** +; watched: ** +; learned: ** to; learnt: ** to; became: +; turned: +; gave: up birth;
took: up +; cooked: ** +; baked: ** +; planted: ** +; painted: ** +; spent: +; paid: +; signed: up; applied:
for to; grew: up; broke: up +; switched: to from; stopped: smoking drinking eating taking working going;
began: +; met: up +; hired: +; forgot: to; saw: +; slept: in; woke: up; wrote: +; lost: +; finished: +;
made: +; got: married engaged divorced promoted fired into home back rid made diagnosed laid +; had: +
surgery twins covid cancer; started: at + learning working running going taking using training teaching
playing; found: +; passed: ** +; failed: ** +; built: +; sent: +; left: my the; taught: +; proposed: to;
retired: last in; enrolled: in on at; downloaded: +; stayed: in at with; used: to; am: *; was: born raised
diagnosed; couldn't: sleep eat; don't: like know have eat drink want need think smoke own drive speak
understand remember live work; didn't: like know have eat drink want need think sleep; dont: like; have:
been; can't: eat stand sleep afford drink decide wait remember swim drive cook stop tolerate digest"""
)
_I_NOW = verbs.table(
    """live: in with on near at by alone; work: as at in for from nights part full remotely; have: + kids;
own: +; need: to + *; want: to + *; wish: i; enjoy: -ing; play: the; prefer: *; teach: + english maths;
study: at; speak: *; hate: *; love: *; suffer: from with"""
)
"""What may follow the word that begins a sentence without "I", for the reading to be sure. +: "a", "my", a number; *: a
word that points at nothing said before; **: one that is no preposition or adverb either; -ing: such a form; a full
stop: nothing."""
_POINTING = frozenset(
    """he she they we it that this the you your how what these those them him her i is was to and""".split()
)
_ITS = frozenset(
    """raining snowing leaking barking crying making ages time minutes hours days weeks months long forever""".split()
)
_PARTICLES = frozenset(
    """out up off early late away over in on at to from for by with well badly again as because down through
around back after before since like last first next today into onto during until till so too if when than
more less some""".split()
)
_POLITE = frozenset("look go think seat good nice great lovely safe wonderful chat read guess bit".split())
_COUNTS = (_THING | {"2", "3", "4"}) - {"the", "my", "our"}
_TOLD_WHEN = frozenset("yesterday ago last today when from off for back in on this after call job new".split())
_BEFORE_VERB = frozenset(
    """just recently finally already still currently also only never always usually often mostly rarely""".split()
)


def _phrase_at(lows: list[str], phrases: frozenset[tuple[str, ...]], at_end: bool) -> int:
    """How many words of a phrase stand at the edge; 0 for none, the longest first."""
    for count in range(min(len(lows), 6), 0, -1):
        if tuple(lows[-count:] if at_end else lows[:count]) in phrases:
            return count
    return 0


def edges(lows: list[str], gaps: list[str]) -> tuple[int, int]:
    """Where a sentence begins and ends without its fillers. gaps[k] stands before word k, the last after all words."""
    start, end = 0, len(lows)
    while start < end and (count := _filler_before(lows[start:end], gaps[start:end])):
        start += count
    while end > start and (count := _filler_after(lows[start:end], _MARKS & set(gaps[end - 1]) != set())):
        end -= count
    return start, end


def _filler_before(lows: list[str], gaps: list[str]) -> int:
    """How many words at the beginning are a filler, 0 for none."""
    count = _phrase_at(lows, _BEGIN, False)
    if count and lows[0] in THANKS and lows[count : count + 1] in (["for"], ["to"], ["a"], ["so"]):
        return 0  # thanks for something: no filler
    if count:
        return count
    if lows[:2] == ["i", "mean"] and set(lows[2:3]) & {"i", "my", "he", "she"}:
        return 2
    count = _phrase_at(lows, _BEFORE_SUBJECT, False)
    subject = lows[count:] and (lows[count] in _SUBJECTS or _phrase_at(lows[count:], _BEGIN, False))
    return count if subject or (lows[count:] and _MARKS & set(gaps[count])) else 0


def _filler_after(lows: list[str], comma: bool) -> int:
    """The same at the end. comma: a mark stands before the last word."""
    count = _phrase_at(lows, _END, True)
    if not count and lows[-1] in _HANGING and lows[-2:-1] not in (["think"], ["hope"], ["guess"], ["say"]):
        return 1
    return count or (_phrase_at(lows, _END_AFTER_COMMA, True) if comma else 0)


def _fits(table: dict[str, str], lows: list[str]) -> bool:
    """True if the table has the first word, and what follows is one of those that it may have after it."""
    first, after = (lows + [""])[:2]
    if first not in table or set(lows[1:4]) & _ITS:
        return False
    followers = table[first].split()
    return (
        after in followers
        or (after == "" and "." in followers)
        or ("+" in followers and (after in _THING or (after.isdigit() and not after.startswith(("19", "20")))))
        or ("*" in followers and after != "" and after not in _POINTING)
        or ("**" in followers and after not in _POINTING | _PARTICLES and after != "" and not verbs.adverb(after))
        or ("-ing" in followers and after.endswith("ing"))
    )


def subject_left_out(lows: list[str], whole: bool = True) -> list[str] | None:
    """The words to put in front of a sentence that leaves out "I": [] where nothing is left out, None where not sure.

    ["moved", "to", "Leeds"] -> ["i"]; ["allergic", "to", "nuts"] -> ["i", "am"]; ["been", "coding"] -> ["i", "have"]
    lows reach to the first comma or the like; whole: there is none.
    """
    count = 0
    while count < len(lows) - 1 and lows[count] in _BEFORE_VERB:
        count += 1
    rest = lows[count:]
    if rest[:2] == ["not", "a"] and rest[2:3] in (["fan"], ["morning"], ["big"], ["huge"]):
        return ["i", "am"]
    if rest[:2] == ["used", "to"] and not (rest[2:3] and verbs.base(rest[2]) and rest[2] != "have"):
        return None
    if "never" in lows[:count] and rest[:1] in (["married"], ["smoked"]):
        return ["i"]
    if _fits(_AM, rest) and "never" not in lows[:count]:
        return ["i", "am"] if len(lows) > 1 or not whole else None
    if _fits(_WAS, rest):
        return ["i", "was"]
    if _fits(_HAVE, rest) or (rest[:2] == ["got", *rest[1:2]] and _owned(rest[1:])):
        return ["i", "have"]
    if _fits(_I, rest) or (not count and _fits(_I_NOW, rest) and not set(rest[1:4]) & _POLITE):
        return ["i"]
    verb = rest[0].endswith("ing") or verbs.past(rest[0]) or verbs.base(rest[0]) or rest[0] in verbs.PARTICIPLES
    return None if count and verb else []


def _owned(rest: list[str]) -> bool:
    """True if "got two kids" says what there is and not what came: a count or "a" follows, and no time is told."""
    return bool(rest) and rest[0] in _COUNTS and not set(rest) & _TOLD_WHEN
