"""Words and endings by which `languages` tells a language, its first person and its questions: closed lists."""

import re

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
SCRIPTS = re.compile(
    r"(?P<ja>[\u3040-\u30ff]+)|(?P<zh>[\u3400-\u4dbf\u4e00-\u9fff]+)|(?P<ko>[\u1100-\u11ff\uac00-\ud7af]+)|"
    r"(?P<ru>[\u0400-\u04ff]+)|(?P<ar>[\u0600-\u06ff]+)|(?P<he>[\u0590-\u05ff]+)|(?P<hi>[\u0900-\u097f]+)|"
    r"(?P<th>[\u0e00-\u0e7f]+)|(?P<el>[\u0370-\u03ff\u1f00-\u1fff]+)|(?P<other>[\u0530-\u058f\u0700-\u08ff\u0980-\u0dff"
    r"\u0e80-\u10ff\u1200-\u137f\u1780-\u17ff]+)"
)
UNSPACED = frozenset({"ja", "zh", "th"})
"""Scripts without spaces between words: two characters count as one word."""

ENGLISH = frozenset(
    """a about above actually after again ago all almost already also although always am an and another any anyone
    anything are aren't around as ask at away back be because been before being best better between both but by can
    can't cannot cant come could couldn't cause coz cuz day did didn't didnt do does doesn't doesnt doing don't
    done dont down each even ever every everyone everything feel few find first for from get gets getting give go
    goes going gonna good got gotta great had hasn't has have haven't having he he'd he's help her here hers hey hi
    him his how i i'd i'll i'm i've if im in into is isn't isnt it it's its ive just keep kind know last least left
    less let let's like little live long look looking lot made make man many maybe me mean might mine more most
    much mum mom must my myself need never new next nice no none nope not nothing now of off oh ok okay old on once
    one only or other our ours out over own people please pls plz prefer put quite rather really right said same
    say see she she's should shouldn't since so some someone something soon sorry start still stop such sure take
    tell than thank thanks that that's thats the their them then there there's these they they're they've thing
    things think this those though three through thx time to today together tomorrow tonight too try two u under
    until up ur us use used usually very wanna want wants was wasn't way we we'd we'll we're we've week well were
    weren't what what's when where which while who who's whose why will with without won't work would wouldn't ya
    yeah year years yep yes yesterday yet you you're you've your yours yourself ten per w""".split()
)
HOMOGRAPHS = frozenset(
    "die war hat den men van an so also as a i me no he on or do to was will in is over w ten per".split()
)
"""English words that are as common in another list: they count half for English."""

_LISTED = {
    "de": """ab aber als am an auch auf aus bei beim bin bis bist da danke dann das dass dein deine dem den denn
    der des deutsch die dir doch du durch ein eine einem einen einer eines er es euch für gegen geht gern gerne
    gibt ging guten habe haben hab hallo hat hatte heute hier ich ihm ihn ihr ihre im immer in ist ja jeden jetzt
    kann kannst kein keine können könnte leider mag man mehr mein meine meinem meinen meiner mich mir mit morgen
    möchte muss nach nicht nichts noch nur oder ohne sehr seit sich sie sind so soll sollte über um und uns unser
    unsere unserer unter viel vom von vor war waren warum was weil wenn wer werde werden wie wieder will wir wird
    wo wohne würde zu zum zur zwei zwischen""",
    "fr": """à ai aime alors après as au aujourd'hui aussi autre aux avec avez avoir avons bien bonjour c'est ce
    cela ces cet cette chez comme comment d'un d'une dans de depuis des deux dois du elle elles en encore est et
    étais était être eu fait faire habite il ils j'ai j'aime j'habite j'étais je l'ai la le les leur lui ma mais me
    merci mes mon même n'ai n'est ne nos notre nous on ont ou où par parce pas peu peux plus pour pourquoi puis
    qu'il que quel quelle qui quoi s'il sa sans se ses si son sont suis sur te tes toi ton toujours tout toute
    tous très tu un une va vais veux voudrais vos votre vous y""",
    "es": """a ahora al algo antes aquí así aunque ayer bien buenas buenos cada casi como cómo con cuál cuando
    cuándo de del desde donde dónde dos él el ella ellos en entre era eres es esa ese eso esta está estaba están
    este esto estoy fue fui gracias gusta gustan gustaría ha había hace hacer han hasta hay he hemos hola hoy la
    las le les lo los más mañana me mi mis mucho muy nada ni no nos nosotros nuestra nuestro o otra otro para pero
    por porque puedo qué que quiero se sé según ser si sí siempre sin sobre son soy su sus también tan te tengo
    tiene tienen todo todos trabajo tu tus un una uno vamos vivimos vivo voy y ya yo""",
    "pt": """a agora ainda ao aos aqui as até bem bom com como da das de dela dele depois do dos e é ela ele eles
    em então era essa esse esta está estava este estou eu faço fazer foi fui gosto há hoje isso já lá mais mas me
    mesmo meu meus minha minhas moro muito na não nas nem no nos nós nossa nosso num numa o obrigada obrigado olá
    onde os ou para pela pelo por porque posso pra preciso qual quando que quero quem se sem ser será seu sou sua
    também tem tenho ter trabalho tudo um uma vai vou você vocês""",
    "it": """a abbiamo abito adesso ai al alla anche ancora avevo bene buongiorno che chi ci ciao come con cosa
    così da dai dal dalla degli dei del della delle devo di dopo dove due e è era ero essere fa faccio fare fra gli
    grazie ha hai hanno ho i il in io l'ho la lavoro le lei lo loro lui ma me mi mia mie miei mio molto mi nel
    nella no noi non nostra nostro o oggi ogni per perché però piace più poi posso prima qual quale quando quanto
    quella quello questa questo qui sei sempre senza si sì sia siamo sono sta stato sto su sua sul sulla suo tra tu
    tutti tutto un una uno va vivo voglio vorrei""",
    "nl": """aan al als altijd ben bent bij daar dan dat de deze die dit doe door dus een en er even gaan geen
    graag haar had heb hebben heeft hem het hier hij hoe hoi ik in is ja jaar je jij jouw jullie kan komt kunnen
    maar me mee meer met mij mijn moet na naar naast niet niets nog nu of om omdat onder ons onze ook op over te
    toch tot uit van vandaag vanaf veel voor waar wanneer was wat we weer wel werk werken wil wij wonen woon worden
    wordt zal ze zeer zich zijn zo zonder zou""",
    "pl": """a ale ani bardzo bez będę był była było bym być chcę ci cię ciebie co coś czego czy dla do dobrze
    dziękuję dzień dziś dzisiaj gdy gdzie go i ich ile ja jak jaki jakie je jego jej jest jestem jestesmy jesteśmy
    jeszcze jeśli już kiedy kto ktoś lub lubię ma mam mamy mi mieszkam mnie moi moja moje mojego mojej mój moją
    mogę może musi muszę my na nad nam nas nasz nasza nic nie niego nigdy o od on ona oni po pod pracuję proszę
    przed przez przy roku są się tak także tam ten tego tej to tu tylko w we wiem więc witam wszystko z za zawsze
    ze że żeby""",
    "tr": """acaba ama ancak artık bana
    bugün dün yarın mıyım miyim mısın misin mısınız misiniz muyum müyüm
    bazı belki ben bende beni benim bir biraz birkaç biz bizim bu buna bunu
    burada çok çünkü çünki da daha de değil diye en evet fakat gibi göre hangi hayır hem hep her hiç için içinde
    ile ise istiyorum iyi kadar karım kim kimse lazım merhaba mı mi mu mü nasıl ne neden nerede niçin o olan olarak
    oldu olduğu oluyor ona onlar onu onun oğlum sadece şey sen senin seviyorum siz sonra şimdi şu teşekkürler tüm
    var ve veya ya yaşıyorum yok yani yeni zaman""",
    "sv": """alla allt än är åt att av bara blev bli blir bor bra dag de där den denna det detta dig din dina du
    där då efter eller en ett från för får få går gillar god göra ha hade han har hej hennes här hon honom hur i
    idag igen in inga ingen inte jag ju kan kommer kunde lite man med mellan men mera mig min mina mitt mot mycket
    måste någon något när ni nog nu och om på sedan sen ser sig sin sina sitt ska skall skulle som så tack till två
    under upp ut utan var vara varför varje vad vem vi vid vill vilken vår våra""",
    "id": """ada adalah agar akan aku anak apa apakah atau bagaimana bagi bahwa banyak baru belum bisa bukan dalam
    dan dapat dari dengan di dia gak hanya hari harus ibu ini istri itu jadi jika juga kalau kali kami kamu karena
    kapan ke kerja kita lagi lebih lebih mau mereka nya nggak oleh orang pada paling pernah punya rumah saat saja
    sama sampai saya sangat sebagai sedang sekarang selamat seorang seperti siapa suami sudah suka tapi telah
    tentang terima tidak tinggal untuk yang""",
    "vi": """ai anh bạn bao bây bị cái cần cho chị chồng chưa có cô con của cũng cùng đã đang đến đi đó được em gì
    giờ hay hơn khi không là lại làm lên mà mình một muốn này nào năm ngày người nhà nhưng những ơi ở phải ra rất
    rồi sao sau sẽ sống số tại thì thích tôi từ và vào về vì việc với vợ xin""",
}
FOREIGN = {language: frozenset(listed.split()) for language, listed in _LISTED.items()}
LANGUAGES_OF = {
    word: tuple(language for language, listed in FOREIGN.items() if word in listed)
    for word in frozenset().union(*FOREIGN.values())
}
WEAK = frozenset(
    """al an da das de dei del der des di do dos du el en in la las le les los von y
    a as biz hay he i is me men no on or over per so ten to w was we will""".split()
)
"""Words that stand inside names too ("Rio de Janeiro") or are English as well: half a word of another language."""
LOANS = frozenset(
    """à décor entrée café cafés cliché crème brûlée déjà façade fiancé fiancée jalapeño jalapeños naïve née
    papier-mâché pâté piñata protégé purée résumé résumés rosé sauté sautéed soirée soufflé touché
    über vis voilà""".split()
)

_SELF = {
    "en": """i i'd i'll i'm i've im ive id ill me my mine myself we we'd we'll we're we've us our ours""",
    "de": """ich mich mir mein meine meinem meinen meiner meins wir uns unser unsere unserem unseren unserer bin
    hab habe wohne""",
    "fr": """je j'ai j'aime j'habite j'étais me m'a m'appelle moi mon ma mes nous notre nos suis""",
    "es": """yo me mi mis mí mío mía míos conmigo nos nosotros nosotras nuestra nuestro nuestras nuestros soy estoy
    tengo vivo voy fui quiero puedo trabajo prefiero necesito odio hago sé he hemos tenemos vivimos somos estamos
    vamos juego estudio llevo estaba uso como bebo hablo creo""",
    "pt": """eu me mim meu meus minha minhas comigo nós nos nossa nosso nossas nossos sou estou tenho vou fui quero
    posso moro trabalho prefiro preciso odeio faço gosto temos moramos somos estamos vamos tive adoro estudo uso
    falo""",
    "it": """io me mi mio mia miei mie noi ci nostro nostra nostri nostre sono sto ho vado voglio vorrei posso
    abito vivo lavoro preferisco odio faccio devo abbiamo siamo avevo ero adoro studio uso parlo""",
    "nl": """ik me mij mijn m'n we wij ons onze heb ben woon""",
    "pl": """ja mnie mi mną mój moja moje mojego mojej moją moi moim moimi mym my nas nam nasz nasza nasze naszego
    jestem mam mieszkam pracuję lubię chcę wolę muszę mogę będę jesteśmy mamy mieszkamy byłem byłam kupiłem kupiłam
    uczę gram jem piję nienawidzę robię jadę idę""",
    "tr": """ben beni bana benim bende benden biz bizi bize bizim karım
    kocam oğlum kızım annem babam eşim evim
    kardeşim""",
    "sv": """jag mig min mitt mina vi oss vår vårt våra""",
    "id": """saya aku ku kami kita gue gw istriku suamiku anakku rumahku ibuku""",
    "vi": """tôi mình tớ em con chúng ta""",
}
SELF_WORDS = {language: frozenset(listed.split()) for language, listed in _SELF.items()}
SURE_SELF = frozenset(
    """ich mein meine meinen meinem meiner je j'ai moi mon yo estoy soy tengo vivo eu meu minha moro estou tenho
    sou io sono ho abito mijn ik mój moja jestem mam mieszkam lubię benim jag saya aku tôi""".split()
)
"""First-person words that tell enough where too few words tell the language."""
SELF_ENDINGS = {
    "es": re.compile(r"(?!caf|beb|qu|as|porqu|tambi)[^\W\d_]{2,}[éí]$"),
    "pt": re.compile(r"[^\W\d_]{2,}ei$"),
    "pl": re.compile(r"[^\W\d_]{2,}(?:łem|łam|liśmy|łyśmy|uję)$"),
    "tr": re.compile(
        r"[^\W\d_]+(?:[iıuü]yor(?:um|uz)|[dt][iıuü][mk]|m[ae]m|acağım|eceğim|[iıuü]y[iıuü]m|l[iıuü]y[iıuü]m)$"
    ),
    "id": re.compile(r"[^\W\d_]{3,}ku$"),
}
"""Verb and noun endings of the first person, where a language leaves the pronoun out."""
SELF_SCRIPTS = {
    "zh": re.compile(
        r"我|咱|俺|本人|老公|老婆|妻子|丈夫|先生|太太|媳妇|儿子|女儿|孩子|爸|妈|家里|家人|爷爷|奶奶|外婆|外公|男朋友|女朋友|"
        r"^(?:从?小|今年|最近|刚|住|想|打算|准备|喜欢|不喜欢|讨厌|对.{1,8}过敏|不能|不吃|在.{1,8}(?:上班|工作|读|上学)|每[天周年])"
    ),
    "ja": re.compile(
        r"私|わたし|僕|ぼく|俺|おれ|うち|自分|我が?家|家族|家内|妻|夫|旦那|主人|嫁|息子|娘|母|父|祖母|祖父|兄|姉|弟|妹|子ども|子供|"
        r"彼女|彼氏|(?:て|で)(?:い)?(?:ます|る|ました|た)(?:[。、！!.]|$)|(?:まし|でし|だっ|っ|い|し)た(?:[。、！!.]|$)|"
        r"たい(?:です|と|。|$)|つもり|んです|予定|好き|嫌い|苦手|アレルギー|(?:ます|です)(?:[。、！!.]|が|けど|$)"
    ),
    "ko": re.compile(
        r"(?:^|\s)(?:나|저|내|제|우리|저희)(?:는|도|를|한테|에게|의|랑|와|만|가)?(?=\s|$)|(?:^|\s)(?:난|전|날|절|울|우리\S*|저희\S*|"
        r"남편\S*|아내\S*|와이프\S*|아들\S*|딸\S*|엄마\S*|아빠\S*|어머니\S*|아버지\S*|여자친구\S*|남자친구\S*)(?=\s|$)|"
        r"(?:어요|아요|해요|했어|았어|었어|습니다|니다|싶어|려고|거예요|예정|에요|예요|이야|거든|는데)(?:[요.!~ㅎㅋ,\s]|$)"
    ),
    "ru": re.compile(
        r"(?<!\w)(?:я|меня|мне|мной|мо[йяеёи]|моего|моей|моему|моим|моих|мою|мы|нас|нам|нами|наш\w{0,3}|мій|моя|мене|мені|ми|"
        r"живу|работаю|люблю|хочу|могу|буду|ненавижу|учусь|предпочитаю|працюю|хочу|можу|купил[аи]?|переехал[аи]?)(?!\w)",
        re.IGNORECASE,
    ),
    "ar": re.compile(
        r"(?<!\w)(?:أنا|انا|نحن|إحنا|احنا|لدي|عندي|لي|معي|إلي|إني|اني|إنني|زوجتي|زوجي|ابني|ابنتي|بنتي|أمي|أبي|أخي|أختي|"
        r"بيتي|عملي|اسمي|عمري|أعيش|اعيش|أسكن|اسكن|أعمل|اعمل|أحب|احب|أكره|أريد|اريد|كنت|أدرس|أفضل)(?!\w)"
    ),
    "he": re.compile(
        r"(?<!\w)[ושכה]?(?:אני|אנחנו|אנו|שלי|שלנו|לי|לנו|אותי|אותנו|איתי|אשתי|בעלי|הבן שלי|הבת שלי|אמי|אבי|אחי|"
        r"אחותי)(?!\w)"
    ),
    "hi": re.compile(r"(?<![\u0900-\u097f])(?:मैं|मैंने|मुझे|मुझको|मेरा|मेरी|मेरे|हम|हमारा|हमारी|हमारे|हमें|हमने|अपना|अपनी|अपने)"),
    "th": re.compile(r"ฉัน|ผม|ดิฉัน|หนู|เรา|กู|แฟน|ภรรยา|สามี|ลูก|แม่|พ่อ|ที่บ้าน|เมีย|ผัว"),
    "el": re.compile(
        r"(?<!\w)(?:εγώ|εμένα|μου|με|εμείς|εμάς|μας|είμαι|έχω|μένω|δουλεύω|θέλω|μπορώ|ζω|αγαπώ|έχουμε|είμαστε)(?!\w)",
        re.IGNORECASE,
    ),
}
_ASKS_FIRST = {
    "en": """who whose whom which what whats what's wheres where's how hows how's why whys why's can could would
    should shall do does did is are am isn't isnt aren't arent was were will won't wont has have any anyone anybody""",
    "de": """wer wem wen wessen was wie warum wieso weshalb wann wo wohin woher welche welcher welches welchen kann
    kannst könntest können soll sollte darf gibt ist sind hast weißt""",
    "fr": """qui que quoi quand où comment pourquoi combien quel quelle quels quelles est-ce qu'est-ce peux-tu
    pouvez-vous pourriez-vous""",
    "es": """quién quiénes qué cuál cuáles cuándo dónde cómo cuánto cuánta cuántos adónde puedes podrías""",
    "pt": """quem que qual quais quando onde como quanto quantos quanta por-que será pode poderia""",
    "it": """chi che cosa cos'è com'è dov'è quale quali quando dove come perché quanto quanti puoi potresti""",
    "nl": """wie wat waar waarom wanneer hoe welke welk kun kan kunt zou zouden moet is heb""",
    "pl": """kto co gdzie kiedy dlaczego jak jaki jaka jakie czy ile skąd dokąd który która""",
    "tr": """kim ne nerede nereye neden niçin niye nasıl hangi kaç acaba""",
    "sv": """vem vad var vart varför när hur vilken vilket vilka kan kunde ska är har""",
    "id": """siapa apa apakah kenapa mengapa kapan dimana bagaimana gimana berapa bisakah bolehkah""",
    "vi": """ai tại làm bao khi""",
    "ru": """кто что где куда когда почему зачем как какой какая какие какое сколько чей хто що де коли чому навіщо
    як який скільки чи можешь можете""",
    "ar": """هل أين متى كيف لماذا ليش ماذا من كم أي ما شو إيش ايش ايه وين اين""",
    "he": """האם מה מי איפה מתי איך למה כמה איזה איזו מדוע""",
    "hi": """क्या कौन कहाँ कहां कब क्यों कैसे कितना कितने कितनी""",
    "el": """ποιος ποια ποιο τι πού που πότε πώς πως γιατί πόσο μήπως""",
}
ASKING_WORDS = {language: frozenset(listed.split()) for language, listed in _ASKS_FIRST.items()}
TELLS = re.compile(
    r"(?:what|how)(?: (?:a|an|i|we|my|our|it|he|she|they|is|works|worked|got|started|\w+ed)\b|"
    r" (?:lovely|nice|funny|kind)\b)|"
    r"(?:which|who|whose|where) (?:i|we|is|are|was|were|my)\b(?= .{0,60},)|what(?:ever)? i (?:want|need|mean|like)\b|"
    r"have (?:been|had|got|to|a|an|lived|worked|never|always|two|three)\b|"
    r"(?:will|was|were) (?:be|been|being|born)\b|(?:any|was|were|will|did|do|am) "
    r"(?:\w+ )?(?:works|fine|ok|okay|not|n't|love|like|hate|going|born|thinking|late|told|diagnosed)\b|"
    r"(?:should|would|could|can|might|must) (?:have|be|not|love|never|mention|say|add|do)\b(?! (?:i|we|you|my|it)\b)|"
    r"(?:can|could|would|should|shall|do|does|did|is|are|was|were|will|has)(?:n't| not|nt)\b (?!i\b|we\b|you\b|it\b|"
    r"my\b|he\b|she\b|they\b|this\b|that\b|the\b|there\b)"
)
"""English beginnings that look like a question's and tell: "what a day", "have been here since May", "can't sleep"."""
TELLS_ELSEWHERE = re.compile(
    r"(?:quand|quando|jak|kiedy|gdzie|kto|dove|onde|quem|chi|où|wie|was|wer|wo|wat|wie|waar|vad|hur|när) (?:"
    r"(?:ich|wir|ik|wij|jag|vi)\b|[^?]*,)"
)
"""The same elsewhere: "quand j'étais petit, ...", "wat ik leuk vind ..."."""
ASKS_SCRIPTS = {
    "zh": re.compile(
        r"[吗嘛么呢][。!！~～ ]*$|是不是|有没有|能不能|可不可以|要不要|好不好|会不会|对不对|行不行|"
        r"^(?:请问|谁|什么时候|什么|怎么样?|哪[里儿些个]?|为什么|为啥|多少|几点|如何|怎样|有什么|该怎么)|"
        r"(?:怎么办|什么|怎么样|多少钱?|哪里|哪儿|几点|如何)[。!！~～ ]*$"
    ),
    "ja": re.compile(
        r"(?:か|かな|かしら|でしょう|の|っけ)[。!！~～ ]*$(?<!もの。)(?<!もの)|"
        r"^(?:誰|何|どこ|いつ|なぜ|なんで|どう|どの|どれ|いくら|どんな)"
    ),
    "ko": re.compile(
        r"(?:까요?|나요|가요|은가요|는지요?|니|냐|을까|ㄹ까|래요|죠)[.!~ ]*$|"
        r"^(?:누가|누구|뭐|뭘|무엇|무슨|어디|언제|왜|어떻게|어떤|얼마|몇)(?=[\s가-힣])"
        r".{0,200}(?:요|지|어|해|야|해야)[.!~ ]*$"
    ),
    "th": re.compile(
        r"(?:ไหม|มั้ย|มัย|หรือเปล่า|รึเปล่า|หรือไม่|หรือยัง|อะไร|ทำไม|ยังไง|อย่างไร|ที่ไหน|เมื่อไหร่|เมื่อไร|เท่าไหร่|เท่าไร|ใคร|กี่\S{0,12})"
        r"(?:ดี|บ้าง|คะ|ครับ|ค่ะ|นะ|หรอ)*[.! ]*$"
    ),
    "ru": re.compile(r"(?<!\w)ли(?!\w)"),
}
ASKS_LATIN = {
    "tr": re.compile(r"(?<!\w)m[iıuü](?:y[iıuü]m|y[iıuü]z|s[iıuü]n|s[iıuü]n[iıuü]z|yd[iıuü]\w*)?[.! ]*$"),
    "fr": re.compile(r"\best-ce\b|\w-t?-?(?:tu|vous|il|elle|on|je|ils|elles)\b[^.!]{0,80}$"),
    "vi": re.compile(r"(?:không|chưa|gì|nào|đâu|sao|ai|bao nhiêu|thế nào|hả|nhỉ)[.! ]*$"),
    "id": re.compile(r"(?:kah|apa|siapa|mana|kapan|kenapa|gimana|bagaimana|berapa|nggak|gak|ya)[.! ]*$"),
}
