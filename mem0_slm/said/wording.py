"""Closed lists of English words that `clauses` and `kinds` go by: subjects, verbs, and what opens what.

Chat spellings without apostrophe ("dont", "im") stand beside the full ones. Words are in lower case, as `Word.said` is.
"""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIRST = _set("i we me us my our mine ours myself ourselves im ive i'm i've i'd i'll we're we've we'd we'll id ill weve")
"""Of oneself."""
_STEMS = _set("i we he she it they this that there who these those u you ye y'all everyone everything nobody someone")
SUBJECTS = _set("i we he she it they there this that these those everyone everybody everything nobody someone") | _set(
    "somebody something nothing noone anyone anything mine ours hers theirs"
)
"""Pronouns a clause may begin with, the assistant's aside."""
FUSED = _set(
    "i'm im ive i've i'd i'll we're we've weve we'd we'll he's hes he'd he'll she's shes she'd she'll it's its' it'd "
    "it'll they're theyre they've theyve they'd they'll there's theres that's thats that'd that'll this'll who's "
    "whats what's hows how's wheres where's everyone's everything's nobody's someone's ima imma i'ma"
)
"""A subject and its verb in one word."""
YOU = _set("you u ya ye y'all yall ur your you're youre you've youve you'd you'll youll yours yourself")
YOU_SUBJECT = _set("you u ya ye y'all yall you're youre you've youve you'd you'll youll")
DETERMINERS = _set(
    "my our his her their its the a an this that these those some any every each no both all another me mi"
)
POSSESSIVES = _set("my our his her their its")

BE = _set("am is are was were isn't isnt aren't arent wasn't wasnt weren't werent ain't aint r")
HAVE = _set("has have had hasn't hasnt haven't havent hadn't hadnt")
DO = _set("do does did don't dont doesn't doesnt didn't didnt")
MODALS = _set(
    "will would can could should shall may might must won't wont wouldn't wouldnt can't cant cannot couldn't couldnt "
    "shouldn't shouldnt mustn't shud cud wud"
)
AUXILIARIES = BE | HAVE | DO | MODALS
FINITE = _set(
    "says said told thinks thought knows knew wants wanted needs needed likes liked loves loved hates hated lives "
    "lived goes went gets got makes made takes took comes came keeps kept gives gave sees saw finds found left feels "
    "felt works worked plays played runs ran eats ate drinks drank sleeps slept buys bought sells sold pays paid "
    "costs starts started ends ended begins began leaves moves moved turns turned became becomes seems seemed looks "
    "looked sounds smells tastes died dies born met meets married divorced quit hurts broke breaks fell falls lost "
    "loses won wins brought brings sent sends wrote writes read reads speaks spoke teaches taught learns learned "
    "learnt studies studied drives drove rides rode flies flew swims swam hits stands stood sits sat holds held "
    "happens happened closes closed opens opened arrives arrived stays stayed asks asked calls called refuses "
    "refused hardly stopped stops finished finishes retired retires owns owned rents rented weighs weighed expires "
    "expired passed passes failed fails decided booked cancelled canceled changed changes grew grows hears heard "
    "helps helped kills killed leaks leaked rang rings barks bites bit cries cried drops dropped raised raises "
    "prefers preferred remembers forgot forgets belongs includes contains means meant allergic gonna gotta wanna "
    "used tends doubled charges charged promised tells let lets ordered orders wears wore carries cooked cooks "
    "cleans paints painted plans planned hired bakes baked agreed joined joins suffers struggles spends spent snores "
    "spilled"
)
"""Finite forms that are seldom nouns."""
REPORTS = _set(
    "say says said saying think thinks thought thinking reckon reckons claim claims claimed believe believes "
    "believed hope hopes hoped hoping swear swears swore tell tells told hear heard suggest suggests suggested "
    "insist insists insisted dream dreamt dreamed guess suppose assume assumed imagine imagined doubt doubts feared "
    "rumour rumor apparently supposedly allegedly probably maybe perhaps warned warns promised promises wrote reads "
    "wants wanted"
)
"""Words whose scope may go on past the next "and": what follows is not the speaker's own word."""
UNDONE = _set("thought wanted planned meant supposed hoped tried nearly almost used intended expected assumed wished")
"""Words that a "but" takes back: both halves stay together."""
CONDITIONS = _set("if unless suppose supposing providing provided assuming lest")
SUBORDINATES = CONDITIONS | _set(
    "because cause cuz cos coz bc cus when whenever while whilst since although though tho after before until till til "
    "as once where wherever who whom whose which that than whether like except instead"
)
CONJUNCTIONS = _set("and but so n nd plus also then yet & though tho however anyway and's cause")
JOINERS = _set("and but so plus yet n & nd")

LEADS = _set(
    "hi hey hello hiya heya yo oi ok okay okey k kk alright right well so and but also then oh ah aha um umm uh er "
    "erm hmm hm mmm wow omg omfg lol lmao haha hahaha hehe ugh argh please pls plz plss now just anyway anyways btw "
    "fyi like honestly tbh ngl actually basically listen sorry soz thanks thx ty cheers cool nice perfect lovely "
    "awesome yeah yea yep yup yes no nope nah sure maybe mate bro dude n plus gosh jeez yay woo hooray finally "
    "though tho hah meh phew hallo howdy heyy hii hiii helloo yess yesss kindly rn bruh fam bestie sis"
)
"""Words before the proper beginning: openers, fillers, vocatives."""
SMALL = LEADS | _set(
    "thank you u very much so a lot lots morning afternoon evening night everyone all there again bye goodbye cya "
    "ttyl gn gm brb afk later see ya talk soon done cheers legend good great welcome you're youre no worries problem "
    "prob happy monday tuesday wednesday thursday friday saturday sunday weekend have nice one super brilliant "
    "amazing fantastic excellent wonderful sweet exactly indeed correct true agreed noted understood absolutely "
    "definitely totally ha hahahaha rofl xd smh idk dunno whatever anyhoo test testing hmmm hmmmm aw aww awww "
    "interesting fun funny bless thankyou ta tysm appreciated really oops whoops my bad namaste ji salaam peace xx x "
    "xxx for now the help your time it that's thats is this way it's big huge many kind of helpful useful typical "
    "never mind nvm nevermind fair enough got makes sense i ditto same here np tks thnx goodnight gotcha roger wait "
    "hold on sec moment minute min more another next please pretty up wuu2 hru sup wassup hola ciao oui merci danke "
    "boss damn dear even fine first folks friend girl god guys lastly look madam man pal sir today quick question"
)
"""A clause of these alone says nothing."""
YES_NO = _set("yes no yep yeah yea yup nope nah never neither both none either always sometimes often once twice sure")

ORDERS = _set(
    "write rewrite translate summarise summarize fix make list give tell show explain help find suggest recommend "
    "create draft draw design generate compose compare calculate compute convert correct proofread edit shorten "
    "expand plan brainstorm describe define outline review check analyse analyze add remove delete change replace "
    "include exclude skip use put keep try turn send read remind remember forget ignore repeat continue stop start "
    "go answer reply respond act pretend imagine play sing roast rate rank pick choose guess name spell count solve "
    "prove complete finish fill format sort group order rephrase reword simplify improve polish sharpen tidy clean "
    "book schedule set reserve buy search look google watch track note save store record log clarify elaborate "
    "discuss debate argue teach quiz test ask interview call message email text let consider assume estimate "
    "evaluate critique grade transcribe decode encode debug refactor implement code run print return output provide "
    "share bring take throw hit lend walk talk guide advise tailor adapt adjust update swap switch move merge split "
    "combine build develop invent think wait hold come get do dont don't be say speak introduce mention highlight "
    "extract identify map organise organize prepare propose present prioritise prioritize diagnose decipher "
    "interpret predict cook bake recipe crop drop cut work sum break lay spin whip knock bang chuck fire hand shoot "
    "pass pull mark point limit assess research explore fetch open close pls please paraphrase condense tweak redo "
    "re-write retry undo revise feel enjoy leave never always refer sign apply insert lets let's gimme lemme gis pop "
    "sketch sell pitch convince persuade motivate cheer encourage inspire entertain amuse surprise type verify "
    "confirm decide judge examine inspect connect pair match line"
)
"""Verbs that open an order to an assistant."""
NOUNY = _set(
    "plan list design book cook order name text work test note record log code map play group sort format mark check "
    "change use help review email message call drop cut move run start turn try return output print share break "
    "clean track search watch research bake recipe match line pair point limit crop store save set put read hit quit "
    "let left feel think get do be go come have like live walk talk take bring look keep leave stop finish rate rank "
    "update switch swap address date fire hand shoot pass pull lay spin sign pop sketch pitch type answer reply grade"
)
"""Of these, words that begin something else as readily: what stands next decides."""
DROPPED_I = _set(
    "need want love like hate prefer live work got have had was am went moved bought sold started quit hope plan "
    "planning thinking trying looking feel feeling born raised married divorced retired allergic vegan vegetarian "
    "used going gonna gotta wanna been just still currently recently already did made took gave left lost broke met "
    "saw ate drank felt"
)
ARTEFACTS = _set(
    "slogan poem haiku limerick sonnet recipe recipes idea ideas tip tips help advice suggestion suggestions "
    "recommendation recommendations list summary story stories joke jokes riddle email letter caption captions essay "
    "itinerary rota bio biography code function script query regex formula excuse excuses playlist checklist "
    "template example examples translation synonym synonyms toast speech text message explanation inspiration "
    "opinion opinions feedback answer answers info information guide outline draft paragraph sentence sentences "
    "headline tagline hashtag prompt prompts tutorial intro introduction rhyme rhymes pun puns comeback reply quote "
    "quotes definition overview comparison timetable schedule program programme plan plans routine quiz questions "
    "trivia fact facts name names title titles steps instructions directions blurb description lyrics song rap "
    "article post tweet ad advert invitation invite eulogy vows spreadsheet table chart diagram logo review critique "
    "pep lullaby nickname nicknames options alternatives wording taglines slogans poems emails letters bios riddles "
    "texts messages songs posts tweets essays scripts functions queries itineraries paragraphs templates checklists "
    "summaries explanations translations headlines hashtags toasts speeches invitations playlists definitions "
    "icebreakers activities games word"
)
"""What an assistant is asked to make: "I need a slogan" asks for one."""
INVENTED = _set(
    "story stories poem novel character characters screenplay script scene song lyrics joke jokes riddle limerick "
    "haiku fanfic fanfiction fairytale fairy dialogue sonnet villain protagonist hero heroine narrator plot rap "
    "ballad sketch roleplay role-play rp dnd d&d campaign fantasy sci-fi scifi chapter comic fable myth monologue "
    "backstory sim sims lullaby skit"
)
"""What is made up, and who lives there."""
FICTION = _set(
    "character novel story screenplay protagonist villain hero heroine narrator plot chapter fanfic backstory "
    "roleplay role-play rp movie film book antagonist comic"
)
HELPERS = _set(
    "coach tutor advisor adviser therapist nutritionist dietitian dietician trainer teacher lawyer doctor editor "
    "translator recruiter expert assistant agent planner accountant consultant mentor counsellor counselor helper "
    "proofreader copywriter specialist psychologist physio guide developer engineer"
)
"""Whom one asks an assistant to be without inventing a world."""
MOODS = _set(
    "tired bored hungry starving exhausted knackered thirsty sleepy confused lost sorry back here done good fine ok "
    "okay great happy sad stressed annoyed cold hot freezing melting dead dying well alright meh shattered curious "
    "impressed ready glad pleased sure listening excited grateful joking kidding deceased wrecked busy late fuming "
    "lonely drunk screaming crying laughing serious teasing awake hangry pooped cross nervous angry grumpy off gone "
    "waiting"
)
MOOD_FILL = _set(
    "so very really pretty quite bit a too well just now rn today tonight this morning atm still all at the moment "
    "right again honestly lol haha tbh like literally super and with you only that it is btw already kinda sort of "
    "extremely fucking bloody af as hell to hear"
)
JUDGED = _set(
    "great good nice perfect cool awesome amazing brilliant lovely wonderful fantastic excellent helpful useful "
    "terrible awful bad wrong right correct true false funny hilarious weird odd strange crazy mad wild sick insane "
    "annoying ok okay fine better best enough all it clever smart kind sweet interesting beautiful boring ridiculous "
    "rubbish hard easy tough sad a lot much shame pity relief joke disaster fair point long short what i asked "
    "wanted meant need thing same stupid silly impressive fun spot on sorted done over how life legal gold"
)
"""What is said of an answer or of nothing in particular: "that's great"."""
ALWAYS = _set("always never ever")
OUTPUTS = _set(
    "use call say write answer reply respond give suggest recommend include add mention send put make start begin "
    "end show repeat tell quote assume explain address speak talk list ask correct remind keep offer sign translate "
    "type propose round apologise apologize lecture skip avoid drop stop refer format convert spell output return "
    "provide greet"
)
"""What the assistant does when it answers."""
OUTPUT_NOUNS = _set(
    "bullet bullets emoji emojis answers replies responses answer reply response exclamation markdown headings "
    "tables essays lists lectures disclaimers small talk waffle jargon formatting units metric imperial celsius "
    "fahrenheit caps"
)
PERSONAL = _set(
    "allergy allergic allergies intolerant intolerance vegan vegetarian pescatarian coeliac celiac diabetic diabetes "
    "asthma halal kosher keto gluten lactose pregnant dyslexic adhd autistic budget aged single married divorced "
    "widowed retired unemployed deaf blind wheelchair kids children years months yrs yo y/o old weeks wife husband "
    "partner dog cat degree born based severe beginner left-handed newborn toddler twins speaker native fluent owner "
    "fan lover student"
)
"""In a bare phrase, a sign that somebody's life is told."""
PAST_TIMES = _set("ago last yesterday already since once recently earlier")
QUERIES = _set(
    "best cheap cheapest top good nearest easiest fastest weather forecast capital population meaning difference "
    "pros cons price latest average differences uses benefits symptoms side causes history types kinds ways"
)
"""What opens a phrase that is looked up, not told."""
