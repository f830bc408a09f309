"""English verbs as they are typed in a chat: what form a word can be, and the form that goes with "he".

Closed lists, so that a word we do not know is no verb: what turns speech into third person is then unsure and says so.
"""

from functools import cache


def table(text: str) -> dict[str, str]:
    """A table typed as "moved: to from; quit: my; had": each word with the words that may follow it."""
    rows = (row.partition(":") for row in text.replace("\n", " ").split(";"))
    return {word.strip(): followers.strip() for word, _, followers in rows}


def phrases(text: str) -> list[tuple[str, ...]]:
    """Phrases typed as "oh | by the way", as the words of each."""
    return [tuple(phrase.split()) for phrase in text.replace("\n", " ").split("|") if phrase.strip()]


_PLAIN = """
abhor absorb accept accompany accomplish accumulate achieve acknowledge acquire adapt add adjust administer admire
admit adopt adore advertise advise advocate afford aggravate agree allow alternate analyse analyze announce annoy
anticipate apologise apologize appeal appear apply appoint appreciate approve argue arrange arrive ask assemble assess
assign assist associate assume attach attend attract avoid await babysit bathe become beg begin behave behold believe
belong betray bicker binge-watch blame bleed blend blink boast boil book-keep borrow bother brainstorm breathe breed
brew bring broaden browse build bury buy caffeinate calculate calm cancel cannot caramelise care-for carry cater cease
celebrate chew choose chop choreograph clarify cling close co-own co-parent coincide collaborate collect combine come
commit commute compare compete compile complain complement complete compose comprehend concentrate conclude conduct
confess configure confirm confront confuse connect consider consist consult consume contain continue contribute
converse convert convince coordinate cope correct crave create cringe criticise criticize crochet cuddle curate cure
dabble daydream deal debug decide declare decline declutter decorate decrease deduct deepen defend define defrost
deglaze dehydrate delete deliver demand deny depart depend deploy deprive deputise derive describe deserve despair
despise destine destroy detect deteriorate determine detest detox develop devote diagnose dictate die differ digest
disagree disappear disapprove disassemble discipline discourage discover discuss disinfect dislike dismiss disregard
dissolve distinguish distribute disturb divide divorce-from do donate doubt-if downsize draw dread drown dwell earn
eat educate elaborate eliminate embrace embroider emigrate emphasise employ empty-out enable encounter encourage
endure enforce engage enjoy enlist enquire enrol enroll ensure enter entertain entrust envisage envy escape evaluate
evolve exaggerate examine exceed exchange exclude execute exercise exist expand expect explain explore expose express
extend fail fall fantasise feed feel fetch fiddle fill finalise find finish fix flirt fluctuate fly fold forage forbid
forget forgive form-up foster freelance freeze frequent fret fulfil fulfill garden gargle gather generate get give
glue go govern grab graduate grate gravitate greet grieve grill grind groom grow grumble guarantee haggle hallucinate
handle hang happen harvest hate have head hear help-out hesitate hibernate hire hitchhike hoard homeschool hoover hug
hum hydrate identify ignore illustrate imagine immigrate implement imply import impress improve improvise include
incorporate increase indulge infer influence inform inherit inject injure inquire insist inspect inspire install
instruct insulate integrate intend interact interfere interpret interrupt introduce invent invest investigate invite
involve iron irritate isolate itch jog join juggle justify kayak keep kneel knit know lack lament laugh lead lean
learn leave lecture lend lie lipread listen live loathe lodge long loosen lose lug lurk maintain make manage marry
mastermind mean meander measure mediate medicate meditate meet memorise memorize mention migrate mingle minimise
misplace mispronounce misread miss mistake misunderstand moan moderate modify moisturise motivate mourn move mow
multiply multitask mumble nag narrate navigate neglect negotiate nibble nod nominate notice notify nurture obey
observe obtain occupy offend omit operate oppose opt orchestrate organise organize originate outgrow outsource
overcook overeat overheat overindulge overlook overreact oversee overshare oversleep overspend overthink overwater owe
own panic-buy parachute paraglide paraphrase partake participate pay peel perceive perform permit persevere persuade
pester photograph plaster plead plough pluck poach polish ponder possess postpone pour practise pray preach predict
prefer prepare prescribe present-to preserve preside pretend prevent prioritise prioritize proceed proclaim
procrastinate procure produce pronounce proofread propagate propose protect prove provide prune publish punish
purchase pursue put qualify quilt quit reach react readjust realise realize reapply rearrange reassure rebuild recall
receive recharge recite reckon recline recognise recognize recommend reconsider recount recover recruit rectify
recycle redecorate redo reduce refer refinance reflect refresh refurbish refuse register regret regret-to regulate
rehearse reheat rehome reinstall reject relate relax relearn relist relive relocate rely remain remarry remember
remind reminisce remodel remove renew renounce renovate reopen reorganise repaint repay repeat rephrase replace
replenish reply-to repot repurpose require reread rescue resemble resent reside resign resist resit resolve respect
respond restock restore restrict restring resume retain retire retrain retrieve reuse reveal revise revisit rewatch
reword rewrite rid rinse rise roast rub rummage sacrifice sail salvage sand scavenge scrape scream scroll scrub
scuba-dive secure see seek seem seize select sell send separate serenade serve settle sew shake sharpen shave shear
shed shiver shorten shove shrink shut sigh sightsee simmer simplify simulate sing sit skim skip skype slip-up smell
smuggle snack sneeze sniff snore snorkel soak sob socialise socialize soften solder solve speak specialise specialize
speedrun spell spend spin sprain sprinkle squeeze squint stammer stand starve stay steal steam-up stick stir stitch
strengthen stretch strive struggle-with strum study stumble stutter submit subscribe succeed suffer suggest suit
summarise summarize sunbathe supervise supply suppose surf survive suspect suspend sustain swallow swap swear sweat
sweep swell swim swing symbolise tackle take teach tease telecommute tell tempt tend thank thaw think thrive throw
tidy tighten tinker tolerate transcribe transfer transform translate travel treat trek tremble trust try tutor-in
twitch underestimate undergo understand undertake unfollow unpack unplug unwind upcycle update upgrade upholster
upload urge use utilise utilize vacuum validate vape vary ventilate verify view visualise vlog volunteer-at vomit wait
wake waken walk waltz wander want wash wean wear weave weep weigh welcome whisk whisper whistle whiten whittle win
wish withdraw wobble wonder worry worship wrap write yearn yell yodel
"""
_NOUNLIKE = """
accent access ache act address age aim alarm answer approach attack attempt auction average award babble back backpack
bake balance ban bank bar bargain base bat battle beat benefit bet bike bill binge bite blame blast bloat blog blow
blush board boat book boost bottle bounce bowl box brag brake branch break breakfast breathalyse broadcast brush
budget bug bump bunk burn burp bust cake call camp can canoe captain care cart carve cash cast catch caution chair
challenge change charge chase chat cheat check cheer choke circle claim clap clash class clean clear climb clip clock
coach coat code cold collapse comb comfort command comment company compliment concern condition cook cool cope copy
cost cough counsel count couple cover craft crash crawl credit cringe cross crush cry cup curl curse cut cycle damage
dance dare date daub deal debate debug decay decorate defeat delay delight demand demo design desire detail diet dig
dine dip direct dive divorce dj document dodge dose double doubt download dream dress drift drill drink drive drop dry
dump dust dye ease echo edit effect email end engineer escape estimate excuse exercise exhibit exit experience
experiment export eye face facetime fancy farm fast favor favour fear feature fence fight file film filter finance
fire fish fit flag flash flip float flood flow flush focus follow fool force form forward frame frown fry fuel
function fund furnish fuss gain gamble game gaze gift glance glaze golf google gossip grade graft grant graze group
guard guess guest guide gym hack ham hand harm hatch haul head heal heat help hike hint hit hold holiday honeymoon
honor honour hop hope host house humble hunt hurry hurt ice impact index interest interview invoice iron itch jam job
joke journal judge juice jump kick kill kiss knit knock label lack land lap last laugh launch laundry lay layer laze
lease let level lift light like limit limp link load loan lock lodge log look loop love luck lunch machine mail major
man map march mark market marshal mask massage master match mate matter merge mess message microwave milk mind minor
mix model moonlight mop move muck murder name nap narrow need nest network nickname nose note number nurse object
offer oil open order outline own pace pack paddle page pain paint pair panic paper parent park part partner pass paste
patch patrol pause pawn peak peek pen perm pet petition phase phone phrase pick pickle picture piece pile pilot pin
pipe pity place plan plank plant plate play please plot plug plumb podcast point poison pop pose post pot power
practice praise prep present press price pride print prize process profit program project promise promote proof
protest pull pump punch purpose push putt puzzle quarantine question queue quilt quote race rain raise rake range rank
rate rave read rear reason rebel record redesign refill refund regret relapse relay release remark rent repair reply
report request research reserve rest result retreat return reverse review reward rhyme ride rig ring rip risk roam
rock roll row ruin rule run rush sample sand save scale scan scare schedule school scooter score scout scratch scream
screenshot sculpt search season seat second sense sentence set shadow shape share shear shelter shepherd shift shine
ship shock shoot shop shoulder shout show shower shrug sign signal silence sin skate skateboard sketch ski skim skip
skydive slack sleep slice slide slip slow smile smoke snack snap sniff snow snowboard solo sort sound source space
spar spare spark speed spoil sponsor spot spray spread sprint spy squash squat stack stage stain stall stamp start
state stay steam steer step steward stock stop store storm strain stream stress strike strip stroke stroll struggle
stub stuff stutter style sub subject sum supper support surprise survey suspect swap swear sweat sweep swing switch
sympathise table tag talk tan tap tape target task taste tattoo tax tear tee telephone temp tend term test text thread
thrift tick tie tile time tinker tip tire title toast toboggan toss total touch tour tow track trade trail train
transfer transport trap travel trawl trial trick trigger trim trip trot trouble trust tumble tune turf turn tutor
tweak tweet type uber umpire undo upset value varnish veto vibe visit voice volunteer vote vow wage wake walk
wallpaper waste watch water wave wax ween weld whine whip whisk windsurf wonder word work worry wound wreck wrestle
yacht yawn zoom
"""
IRREGULAR = {
    form: base
    for base, forms in (
        line.split(":")
        for line in """arise:arose be:was,were bear:bore beat:beat become:became begin:began bend:bent bet:bet bid:bid
bind:bound bite:bit bleed:bled blow:blew break:broke breed:bred bring:brought broadcast:broadcast build:built
burn:burnt burst:burst buy:bought cast:cast catch:caught choose:chose come:came cost:cost creep:crept cut:cut
deal:dealt dig:dug do:did draw:drew dream:dreamt drink:drank drive:drove dwell:dwelt eat:ate fall:fell feed:fed
feel:felt fight:fought find:found flee:fled fly:flew forbid:forbade forget:forgot forgive:forgave freeze:froze
get:got give:gave go:went grind:ground grow:grew hang:hung have:had hear:heard hide:hid hit:hit hold:held
hurt:hurt keep:kept kneel:knelt know:knew lay:laid lead:led lean:leant leap:leapt learn:learnt leave:left
lend:lent let:let light:lit lose:lost make:made mean:meant meet:met misread:misread mistake:mistook
misunderstand:misunderstood outgrow:outgrew overcome:overcame overeat:overate oversleep:overslept
oversee:oversaw pay:paid proofread:proofread put:put quit:quit read:read rebuild:rebuilt redo:redid repay:repaid
reread:reread rewrite:rewrote rid:rid ride:rode ring:rang rise:rose run:ran say:said see:saw seek:sought
sell:sold send:sent set:set sew:sewed shake:shook shed:shed shine:shone shoot:shot show:showed shrink:shrank
shut:shut sing:sang sink:sank sit:sat sleep:slept slide:slid slit:slit smell:smelt speak:spoke speed:sped
spell:spelt spend:spent spill:spilt spin:spun spit:spat split:split spoil:spoilt spread:spread spring:sprang
stand:stood steal:stole stick:stuck sting:stung strike:struck strive:strove swear:swore sweep:swept
swell:swelled swim:swam swing:swung take:took teach:taught tear:tore tell:told think:thought throw:threw
undergo:underwent understand:understood undertake:undertook unwind:unwound upset:upset wake:woke wear:wore
weave:wove weep:wept win:won wind:wound withdraw:withdrew write:wrote dive:dove sneak:snuck plead:pled fit:fit
babysit:babysat""".split()
    )
    for form in forms.split(",")
}
"""Past forms that do not end in -ed, each with the verb that it is of."""
PARTICIPLES = frozenset(
    """been become begun bitten blown borne born broken chosen come done drawn driven drunk eaten fallen
flown forbidden forgotten forgiven frozen given gone gotten grown hidden known lain mistaken outgrown
overcome overeaten overseen redone rewritten ridden risen rung run sewn shaken shown shrunk sung spoken
stolen sunk sworn swollen swum taken thrown torn undergone undertaken woken worn woven written withdrawn
seen""".split()
)
"""Participles that are not the past form too: after "I" alone they are no past."""
MODALS = frozenset(
    """can could will would shall should may might must cannot can't couldn't won't wouldn't shan't
shouldn't mustn't mightn't mayn't needn't oughtn't ought""".split()
)
AGREES = table(
    """am: is; have: has; haven't: hasn't; do: does; don't: doesn't; are: is; aren't: isn't; were: was;
weren't: wasn't; was: was; wasn't: wasn't; had: had; hadn't: hadn't; did: did; didn't: didn't; been: has
been; is: is; has: has; isn't: isn't; hasn't: hasn't"""
)
"""Auxiliaries after "I" and "we", each with what goes with a name."""
FINITE = frozenset("is are was were has does isn't aren't wasn't weren't hasn't doesn't".split()) | MODALS
INVERTED = (frozenset(AGREES) - {"been", "had"}) | MODALS | {"does", "doesn't", "neither", "nor"}
"""Before "I" they make a question, or "so do I"."""
ADVERB_PAIRS = frozenset({("no", "longer"), ("sort", "of"), ("kind", "of"), ("at", "least"), ("very", "much")})
_ALIKE = frozenset(form for form, base in IRREGULAR.items() if form == base)
_ALSO_NOUNS = frozenset(
    """appeal bother bow buy cater cringe cure deal drag divorce doubt-if dread draw dwell embrace escape
exchange exercise exist fall feed feel fetch fiddle fill find finish fix flirt fly forage foster freelance
freeze frequent garden get grab grill grind hail head hug import increase insert influence injure iron jog
juggle kayak kneel lack laugh lead lean leave lecture lie light lodge long lure mean measure mention miss
moan mow own pay peel plaster plough polish post-up prune put quilt read recruit remake rescue respect
result retreat rise roast rub sacrifice sail sand scrape scream scroll scrub secure sell shake sigh smell
snack sneeze snore sob spell spin sprain stand stay steal stick stir stitch stretch study suit supply surf
swallow swap swear sweat sweep swell swim swing tackle tease tempt tidy transfer travel treat trek trust try
twitch update upgrade upload urge use vary view vomit wait walk wander warm wash weigh welcome whisk whisper
whistle win wish wonder worry worship wrap yell live correct separate moderate clarify blend boast blink
browse brew chew chop cling comb compile compliment conduct cuddle dabble defrost despair destine ease earn
exit process perform produce purchase convert combine concern complement compose cancel advocate alternate
associate approximate appropriate duplicate estimate graduate deliberate elaborate initiate subordinate
attach absent perfect present object project record reject refuse compact content contract console conflict
close clean clear empty faint pop pray regulate tighten-up lend-out remain""".split()
) - {
    "live",
    "feel",
    "get",
    "buy",
    "sell",
    "find",
    "try",
    "stay",
    "exist",
    "earn",
    "own",
    "lie",
    "fix",
    "finish",
    "swear",
    "lend",
}
_PLAIN_VERBS = (frozenset(_PLAIN.split()) | {"say", "hide", "lose", "rise"}) - _ALSO_NOUNS
_BOTH = (frozenset(_NOUNLIKE.split()) | (frozenset(_PLAIN.split()) & _ALSO_NOUNS)) - _PLAIN_VERBS
BASES = _PLAIN_VERBS | _BOTH | (frozenset(IRREGULAR.values()) - {"be"})
_ED_BASES = frozenset("need feed bleed breed speed weed embed shed wed heed seed succeed proceed exceed shred".split())
_NOT_ADVERBS = frozenset(
    """rely apply reply supply fly imply multiply comply bully rally tally ally family early daily weekly
monthly yearly likely belly jelly lily italy july holly molly sally emily kelly billy polly lucy assembly
monopoly ugly lovely friendly silly elderly lonely""".split()
)
ADVERBS = frozenset(
    """hereby never always often sometimes usually just still also really only even ever already almost now
then once first actually quite kinda sorta kind-of pretty both all alway allways offen defo probs prolly
rarely seldom soon maybe perhaps generally too so much honestly literally def deffo barely hardly currently
recently normally mostly finally since today nowadays lately simply rly realy truly personally jus jst not
somehow sort-of instead later again therefore however definitly definately definetly absolutly usally usualy
probaly currenty""".split()
)


def alike(word: str) -> bool:
    """True if the word is a verb's present and its past: "put", "read"."""
    return word in _ALIKE


def base(word: str) -> bool:
    """True if the word can be a verb as it stands after "I" in the present: "live", "work", "put"."""
    return word in BASES and (word not in IRREGULAR or word in _ALIKE)


def plain(word: str) -> bool:
    """True if the word is hardly ever anything but a verb's base form: "live", not "work"."""
    return word in _PLAIN_VERBS


def past(word: str) -> bool:
    """True if the word can be a verb's past form: "went", "moved", "put"."""
    return word in IRREGULAR or (word.endswith("ed") and len(word) > 3 and word not in _ED_BASES)


def adverb(word: str) -> bool:
    """True if the word may stand between "I" and its verb: "usually", "never", any -ly that is no verb or name."""
    return word in ADVERBS or (word.endswith("ly") and len(word) > 4 and word not in _NOT_ADVERBS)


@cache
def third(word: str) -> str:
    """A verb's base form as it goes with "he": "goes", "studies", "has"."""
    irregular = {"have": "has", "do": "does", "go": "goes", "be": "is", "am": "is", "quiz": "quizzes", "dj": "DJs"}
    if word in irregular:
        return irregular[word]
    if word.endswith(("s", "sh", "ch", "x", "z", "go", "do", "to")) and word not in ("stomach",):
        return word + "es"
    if word.endswith("y") and len(word) > 1 and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


@cache
def _thirds() -> dict[str, str]:
    return {third(word): word for word in BASES}


def base_of(word: str) -> str:
    """The base of a form that goes with "he"."""
    return _thirds()[word]


def third_form(word: str) -> bool:
    """True if the word can be the form of a verb that goes with "he": "lives", "has"; many are plurals of nouns too."""
    return word in _thirds()
