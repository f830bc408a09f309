"""English verbs as they are typed in a chat: what form a word can be, and the form that goes with "he".

Closed lists, so that a word we do not know is no verb: what turns speech into third person is then unsure and says so.
"""

from functools import cache


def table(text: str) -> dict[str, str]:
    """A table typed as "moved: to from; quit: my; had": each word with the words that may follow it."""
    rows = (row.partition(":") for row in text.replace("\n", " ").split(";"))
    return {word.strip(): followers.strip() for word, _, followers in rows}


def phrases(text: str) -> frozenset[tuple[str, ...]]:
    """Phrases typed as "oh | by the way", as the words of each."""
    return frozenset(tuple(phrase.split()) for phrase in text.replace("\n", " ").split("|") if phrase.strip())


_PLAIN = frozenset(
    """abhor absorb accept accompany accomplish accumulate achieve acknowledge acquire adapt add adjust
administer admire admit adopt adore advertise advise afford aggravate agree allow analyse analyze announce
annoy anticipate apologise apologize appear apply appoint appreciate approve argue arrange arrive ask
assemble assess assign assist assume attend attract avoid await babysit bathe become beg begin behave behold
believe belong betray bicker blame bleed boil borrow brainstorm breathe breed bring broaden build bury buy
caffeinate calculate calm cannot caramelise carry cease celebrate choose choreograph coincide collaborate
collect come commit commute compare compete complain complete comprehend concentrate conclude confess
configure confirm confront confuse connect consider consist consult consume contain continue contribute
converse convince coordinate cope crave create criticise criticize crochet curate daydream debug decide
declare decline declutter decorate decrease deduct deepen defend define deglaze dehydrate delete deliver
demand deny depart depend deploy deprive deputise derive describe deserve despise destroy detect deteriorate
determine detest detox develop devote diagnose dictate die differ digest disagree disappear disapprove
disassemble discipline discourage discover discuss disinfect dislike dismiss disregard dissolve distinguish
distribute disturb divide do donate downsize drown earn eat educate eliminate embroider emigrate emphasise
employ enable encounter encourage endure enforce engage enjoy enlist enquire enrol enroll ensure enter
entertain entrust envisage envy evaluate evolve exaggerate examine exceed exclude execute exist expand
expect explain explore expose express extend fail fantasise feel finalise find finish fix fluctuate fold
forbid forget forgive fret fulfil fulfill gargle gather generate get give glue go govern grate gravitate
greet grieve groom grow grumble guarantee haggle hallucinate handle hang happen harvest hate have hear
hesitate hibernate hide hire hitchhike hoard homeschool hoover hum hydrate identify ignore illustrate
imagine immigrate implement imply impress improve improvise include incorporate indulge infer inform inherit
inject inquire insist inspect inspire install instruct insulate integrate intend interact interfere
interpret interrupt introduce invent invest investigate invite involve irritate isolate itch join justify
keep knit know lament learn lend lie lipread listen live loathe loosen lose lug lurk maintain make manage
marry mastermind meander mediate medicate meditate meet memorise memorize migrate mingle minimise misplace
mispronounce misread mistake misunderstand modify moisturise motivate mourn move multiply multitask mumble
nag narrate navigate neglect negotiate nibble nod nominate notice notify nurture obey observe obtain occupy
offend omit operate oppose opt orchestrate organise organize originate outgrow outsource overcook overeat
overheat overindulge overlook overreact oversee overshare oversleep overspend overthink overwater owe own
parachute paraglide paraphrase partake participate perceive permit persevere persuade pester photograph
plead pluck poach ponder possess postpone pour practise preach predict prefer prepare prescribe preserve
preside pretend prevent prioritise prioritize proceed proclaim procrastinate procure pronounce proofread
propagate propose protect prove provide publish punish pursue qualify quit reach react readjust realise
realize reapply rearrange reassure rebuild recall receive recharge recite reckon recline recognise recognize
recommend reconsider recount recover rectify recycle redecorate redo reduce refer refinance reflect refresh
refurbish register regret rehearse reheat rehome reinstall relate relax relearn relist relive relocate rely
remarry remember remind reminisce remodel remove renew renounce renovate reopen reorganise repaint repay
repeat rephrase replace replenish repot repurpose require reread resemble resent reside resign resist resit
resolve respond restock restore restrict restring resume retain retire retrain retrieve reuse reveal revise
revisit rewatch reword rewrite rid rinse rummage salvage say scavenge see seek seem seize select sell send
serenade serve settle sew sharpen shave shear shed shiver shorten shove shrink shut sightsee simmer simplify
simulate sing sit skim skip skype smuggle sniff snorkel soak socialise socialize soften solder solve speak
specialise specialize speedrun spend sprinkle squeeze squint stammer starve stay strengthen strive strum
stumble stutter submit subscribe succeed suffer suggest summarise summarize sunbathe supervise suppose
survive suspect suspend sustain swear symbolise take teach telecommute tell tend thank thaw think thrive
throw tighten tinker tolerate transcribe transform translate tremble try underestimate undergo understand
undertake unfollow unpack unplug unwind upcycle upholster utilise utilize vacuum validate vape ventilate
verify visualise vlog wake waken waltz want wean wear weave weep whiten whittle withdraw wobble write yearn
yodel""".split()
)
"""Hardly ever anything but verbs."""
_NOUNLIKE = frozenset(
    """snooze nurture binge accent access ache act address advocate age aim alarm alternate answer appeal
approach associate attach attack attempt auction average award babble back backpack bake balance ban bank
bar bargain base bat battle beat benefit bet bike bill bite blast blend blink bloat blog blow blush board
boast boat book boost bother bottle bounce bowl box brag brake branch break breakfast breathalyse brew
broadcast browse brush budget bug bump bunk burn burp bust cake call camp can cancel canoe captain care cart
carve cash cast catch cater caution chair challenge change charge chase chat cheat check cheer chew choke
chop circle claim clap clarify clash class clean clear climb cling clip clock close coach coat code cold
collapse comb combine comfort command comment company compile complement compliment compose concern
condition conduct convert cook cool copy correct cost cough counsel count couple cover craft crash crawl
credit cringe cross crush cry cuddle cup cure curl curse cut cycle dabble damage dance dare date daub deal
debate decay defeat defrost delay delight demo design desire despair destine detail diet dig dine dip direct
dive divorce dj document dodge dose double doubt download draw dread dream dress drift drill drink drive
drop dry dump dust dwell dye ease echo edit effect elaborate email embrace end engineer escape estimate
exchange excuse exercise exhibit exit experience experiment export eye face facetime fall fancy farm fast
favor favour fear feature feed fence fetch fiddle fight file fill film filter finance fire fish fit flag
flash flip flirt float flood flow flush fly focus follow fool forage force form forward foster frame
freelance freeze frequent frown fry fuel function fund furnish fuss gain gamble game garden gaze gift glance
glaze golf google gossip grab grade graduate graft grant graze grill grind group guard guess guest guide gym
hack ham hand harm hatch haul head heal heat help hike hint hit hold holiday honeymoon honor honour hop hope
host house hug humble hunt hurry hurt ice impact import increase index influence injure interest interview
invoice iron jam job jog joke journal judge juggle juice jump kayak kick kill kiss kneel knock label lack
land lap last laugh launch laundry lay layer laze lead lean lease leave lecture let level lift light like
limit limp link load loan lock lodge log long look loop love luck lunch machine mail major man map march
mark market marshal mask massage master match mate matter mean measure mention merge mess message microwave
milk mind minor miss mix moan model moderate moonlight mop mow muck murder name nap narrow need nest network
nickname nose note number nurse object offer oil open order outline pace pack paddle page pain paint pair
panic paper parent park part partner pass paste patch patrol pause pawn pay peak peek peel pen perform perm
pet petition phase phone phrase pick pickle picture piece pile pilot pin pipe pity place plan plank plant
plaster plate play please plot plough plug plumb podcast point poison polish pop pose post pot power
practice praise pray prep present press price pride print prize process produce profit program project
promise promote proof protest prune pull pump punch purchase purpose push put putt puzzle quarantine
question queue quilt quote race rain raise rake range rank rate rave read rear reason rebel record recruit
redesign refill refund refuse regulate reject relapse relay release remain remark rent repair reply report
request rescue research reserve respect rest result retreat return reverse review reward rhyme ride rig ring
rip rise risk roam roast rock roll row rub ruin rule run rush sacrifice sail sample sand save scale scan
scare schedule school scooter score scout scrape scratch scream screenshot scroll scrub sculpt search season
seat second secure sense sentence separate set shadow shake shape share shelter shepherd shift shine ship
shock shoot shop shoulder shout show shower shrug sigh sign signal silence sin skate skateboard sketch ski
skydive slack sleep slice slide slip slow smell smile smoke snack snap sneeze snore snow snowboard sob solo
sort sound source space spar spare spark speed spell spin spoil sponsor spot sprain spray spread sprint spy
squash squat stack stage stain stall stamp stand start state steal steam steer step steward stick stir
stitch stock stop store storm strain stream stress stretch strike strip stroke stroll struggle stub study
stuff style sub subject suit sum supper supply support surf surprise survey swallow swap sweat sweep swell
swim swing switch sympathise table tackle tag talk tan tap tape target task taste tattoo tax tear tease tee
telephone temp tempt term test text thread thrift tick tidy tie tile time tip tire title toast toboggan toss
total touch tour tow track trade trail train transfer transport trap travel trawl treat trek trial trick
trigger trim trip trot trouble trust tumble tune turf turn tutor tweak tweet twitch type uber umpire undo
update upgrade upload upset urge use value varnish vary veto vibe view visit voice volunteer vomit vote vow
wage wait walk wallpaper wander wash waste watch water wave wax ween weigh welcome weld whine whip whisk
whisper whistle win windsurf wish wonder word work worry worship wound wrap wreck wrestle yacht yawn yell
zoom""".split()
)
"""Verbs that are nouns or adjectives too."""
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
BASES = _PLAIN | _NOUNLIKE | (frozenset(IRREGULAR.values()) - {"be"})
_ED_BASES = frozenset("need feed bleed breed speed weed embed shed wed heed seed succeed proceed exceed shred".split())
_NOT_ADVERBS = frozenset(
    """rely apply reply supply fly imply multiply comply bully rally tally ally family early daily weekly
monthly yearly likely belly jelly lily italy july holly molly sally emily kelly billy polly lucy assembly
monopoly ugly lovely friendly silly elderly lonely""".split()
)
ADVERBS = frozenset(
    """hereby never always often sometimes usually just still also really only even ever already almost now
then once first actually quite kinda sorta pretty both all alway allways offen defo probs prolly rarely
seldom soon maybe perhaps generally too so much honestly literally def deffo barely hardly currently
recently normally mostly finally since today nowadays lately simply rly realy truly personally jus jst not
somehow instead later again therefore however definitly definately definetly absolutly usally usualy probaly
currenty""".split()
)


def alike(word: str) -> bool:
    """True if the word is a verb's present and its past: "put", "read"."""
    return word in _ALIKE


def base(word: str) -> bool:
    """True if the word can be a verb as it stands after "I" in the present: "live", "work", "put"."""
    return word in BASES and (word not in IRREGULAR or word in _ALIKE)


def plain(word: str) -> bool:
    """True if the word is hardly ever anything but a verb's base form: "live", not "work"."""
    return word in _PLAIN


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


ONLY_NOUNS = frozenset(
    """water milk juice oil butter fish cream ice salt pepper paper tape pen books cards phone camera email
mail sport golf pain fear anger family food health cost price tax benefit card cash brother house home
school text hat ring back right kind bread wine beer rice music cake garlic lemon parking land farm area
snow rain storm hand shoulders finger heart head joint skin leg sports name address number title age class
course finance business craft pasta table bed floor window pet ham egg bike boat bus taxi coat shirt shoes
laptop desk crash depression anxiety gossip joy""".split()
)
"""Nouns that could be verbs and are none behind "and"."""
ORDERS = frozenset(
    """give tell show help recommend suggest find make write explain list pick choose let remind remember
call plan draft translate compare describe note ignore keep use send add put check look leave stop start
forget imagine pretend suppose say ask answer create build think wait try come get take do read rate fix
correct rewrite summarise summarize assume""".split()
)
"""Verbs by which an assistant is told what to do."""
