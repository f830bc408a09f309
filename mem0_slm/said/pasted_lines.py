"""What a single line looks like: code, a log, a header, a table's row, a chat's line; closed lists for `pasted`."""

import re

OWN_PERSON = re.compile(
    r"(?<![\w'])(?:i|i'm|i've|i'd|i'll|im|ive|me|my|mine|myself|ich|mir|mein\w{0,2}|je|j'|moi|mon|ma|mes|yo|mi|mis|"
    r"eu|meu|minha|"
    r"io|mio|mia|ik|mijn|saya|ja|mój|moja|jag|min)(?![\w])|[我私僕俺]|저는|제가|내가|(?<!\w)(?:я|мой|моя|меня|мне)(?!\w)",
    re.IGNORECASE,
)
RESTART = re.compile(
    r"\s*(?:(?:so|ok|okay|anyway|anyways|btw|by the way|now|right|well|hey|oh|also|and|but|ps|p\.s\.|"
    r"sorry)[ ,:.]+){0,3}(?:"
    r"(?:that|this|it|these|those|above)(?:'s| is| was| are| were|s)? (?:from|by|what|my|the|all|our|how|where|"
    r"a (?:friend|mate|letter|text|mail|message)|for my|someone|somebody)\b|(?:can|could|would|will) you\b|please\b|"
    r"pls\b|"
    r"thanks?\b|thank you|thx\b|ta\b|what (?:do|does|should|would|is|can|am|did)\b|what \w+ (?:is|are|was|do|does|"
    r"should|can|would)\b|what's\b|how (?:do|should|can|"
    r"would|is|long|much|"
    r"many)\b|is (?:this|that|it|there)\b|are (?:these|they|those)\b|should i\b|am i\b|can i\b|can they\b|do (?:i|"
    r"you|they)\b|"
    r"does (?:this|that|it)\b|did (?:i|he|she|they)\b|why\b|who (?:wrote|said|is)\b|which\b|where (?:do|is|can)\b|"
    r"any (?:ideas?|tips|help|advice|thoughts|suggestions)\b|keep it\b|make (?:it|this)\b|don't (?:change|make|"
    r"add)\b|for context\b|"
    r"context:|as for me\b|personally\b|(?:i|we)(?:'d| would) (?:like|love|prefer|rather)\b|i(?:'m| am)? (?:want|"
    r"need|got|received|"
    r"found|copied|pasted|translated|not sure|supposed to|confused|stuck|don't (?:get|agree|know|understand)|"
    r"dont (?:get|agree|know|"
    r"understand))\b|my (?:question|own|answer|reply)\b|for me\b|in my case\b|(?:reply|respond|answer|write|continue|"
    r"explain|summari[sz]e|"
    r"translate|fix|sum|turn|convert|rate|help|tell|give|list|sort|find|check|draft|shorten|rewrite|proofread|"
    r"correct|format|review|"
    r"compare|improve) (?:\w+ )?(?:it|this|that|them|these|me|the|a|an|to|as|up|with|for|my|politely|all|into|in|"
    r"please)\b|das ist von\b|traduce\b|traduis\b|traduz\b|traduci\b|übersetze?\b|korrigiere?\b|corrige\b|"
    r"kannst du\b|bitte\b|danke\b|eso es\b|puedes\b|por favor\b|gracias\b|c'est de\b|peux-tu\b|merci\b)",
    re.IGNORECASE,
)
"""How somebody goes on in an own voice after a text of somebody else."""
INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|preceding|all|"
    r"your|any|system|other)\b"
    r"[^.\n]{0,20}\b(?:instruction|prompt|rule|message|direction|guideline|context)s?\b|"
    r"^\s*\W{0,3}(?:system|developer|assistant|tool|admin|root)(?: (?:prompt|message|note|override|"
    r"instruction)s?)?\s*\W{0,3}[:：]|"
    r"^\s*#{2,}\s*(?:instruction|response|system|user|assistant|input|output|human|new task|task|end)\b|"
    r"<\|[\w ]{1,30}\|>|\[/?INST\]|"
    r"<</?SYS>>|\byou are now (?:in )?(?:dan|developer mode|jailbroken|unrestricted|free|a different)\b|"
    r"\bnew (?:system )?instructions?\s*:|[\"']?\bmemor(?:y|ies)[\"']?\s*[:=]\s*[\[{\"]|[\"']facts?[\"']\s*:|"
    r"\b(?:reveal|print|repeat|show|output)\b[^.\n]{0,20}\b(?:system prompt|your (?:instructions|prompt|rules))\b|"
    r"\b(?:store|save|add|write|record|insert)\b[^.\n]{0,40}\b(?:in|to|as|into)\b[^.\n]{0,12}\bmemor(?:y|"
    r"ies)\b\s*[:,\"“]|^\s*\W{0,3}\s?(?:the )?user(?:'s)? "
    r"(?:is|has|likes|loves|lives|works|prefers|wants|name|hates)\b|^\s*\W{0,3}(?:relevant |user |saved |known |"
    r"stored |existing |past )?memories(?: (?:of|about|for) .{1,30})?\s?[:=]\s*$|^\s*\W{0,3}\[(?:system|admin|"
    r"developer|inst)[^\]\n]{0,30}\]|\bthe user(?:'s)? (?:is|has|likes|loves|hates|lives|works|owns|prefers|wants|"
    r"name|dislikes|speaks)\b|\b(?:ignore|disregard|forget) (?:the |all |any )?(?:instructions|rules|prompt)\b|"
    r"\b(?:save|add|store|write|commit) (?:this|that|it|the following) (?:to|in|into) (?:your |the |"
    r"long[- ]term )?memory\b|\bBEGIN (?:SYSTEM|INSTRUCTIONS?)\b",
    re.IGNORECASE,
)
MAIL_HEADER = re.compile(
    r"[>*\s]{0,6}(?:from|to|cc|bcc|subject|sent|date|reply-to|re|fwd?|message-id|received|return-path|mime-version|"
    r"content-type|x-[\w-]+|"
    r"von|an|betreff|gesendet|datum|de|à|objet|envoyé|para|asunto|enviado|fecha|da|a|oggetto|inviato|data|assunto|"
    r"van|aan|onderwerp|"
    r"发件人|收件人|主题|差出人|件名|宛先|от|кому|тема)\*{0,2}\s?[:：]\s?\S",
    re.IGNORECASE,
)
FORWARD = re.compile(
    r"\s*(?:-{2,}\s*(?:original message|forwarded message|weitergeleitete nachricht|ursprüngliche nachricht|"
    r"message transféré|"
    r"mensaje reenviado|messaggio inoltrato|mensagem encaminhada)|begin forwarded message|fwd?: |"
    r"forwarded(?: many times)?\s*$|"
    r"forwarded from\b|_{10,}$)",
    re.IGNORECASE,
)
WROTE = re.compile(
    r"^\W{0,4}(?:on|am|le|el|il|em|op) .{6,120}(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|"
    r"schreef)\b.{0,60}:\s*$",
    re.IGNORECASE,
)
GREETING = re.compile(
    r"\s*(?:(?P<letter>dear (?!(?:assistant|chat\s?gpt|claude|ai|bot|gpt|gemini|diary|god|"
    r"lord)\W*$)(?!.*\b(?:i|i'm|im|my|me)\b)(?:[\w.&/\'’()-]+ ?){1,7}|"
    r"to whom it may concern|"
    r"sehr geehrte\w* [^\n]{1,60}|liebe[rs]? [^\n,]{1,40},|estimad[oa]s? [^\n]{1,60}|querid[oa]s? [^\n,]{1,40}[,:]|"
    r"(?:cher|chère)s? [^\n,]{1,40},|madame, monsieur|prezad[oa]s? [^\n]{1,60}|gentile [^\n]{1,60}|"
    r"geachte [^\n]{1,60}|beste [^\n,]{1,40},|"
    r"szanown\w+ [^\n]{1,60}|sayın [^\n]{1,60}|уважаем\w+ [^\n]{1,60}|尊敬的[^\n]{1,30}|拝啓|[^\n]{1,20}様)|"
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|hallo|hola|bonjour|ciao|olá) "
    r"(?!(?:there|everyone|everybody|folks|guys|assistant|chat\s?gpt|claude|ai|bot|gpt|gemini|"
    r"again)\b)[A-Z][\w'. -]{0,40})\s*[,!:-]?\s*$",
    re.IGNORECASE,
)
SIGN_OFF = re.compile(
    r"\s*(?:(?:with )?(?:kind|best|warm|warmest|many|kindest)? ?(?:regards|wishes)|best|sincerely|"
    r"yours(?: (?:sincerely|faithfully|truly))?|"
    r"respectfully|cheers|thanks(?: again| in advance| so much)?|many thanks|thank you|love|lots of love|"
    r"all the best|take care|cordially|"
    r"xx+|mit freundlichen grüßen|viele grüße|liebe grüße|mfg|lg|saludos|un abrazo|atentamente|cordialement|"
    r"bien à vous|bises|"
    r"cordiali saluti|atenciosamente|abraços|met vriendelijke groet(?:en)?|pozdrawiam|saygılarımla|с уважением|此致|"
    r"敬具)\s*[,.!]?"
    r"(?:\s*[-–]?\s*[A-Z][\w.]{0,20}(?: [A-Z][\w.]{0,20})?)?\s*$",
    re.IGNORECASE,
)
CHAT = re.compile(
    r"\s*(?:\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? (?:at "
    r")?\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[ap]\.?m\.?)?\]?\s?[-–]?\s?[^:\n]{1,40}:\s|"
    r"\[?\(?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\)?\]?\s[-–]?\s?<?@?[^\W\d][\w .'’-]{0,30}>?\s?:\s|"
    r"\[\d{1,2}:\d{2}(?::\d{2})?\]|[^\W\d][\w .'’-]{0,30} ?\(\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\):\s|"
    r"\d{2}:\d{2}:\d{2}[,.]\d{3} -->|"
    r"(?:speaker|interviewer|interviewee|moderator|host|guest) ?\w{0,2}\s?:\s|<[\w ]{1,20}>\s)",
    re.IGNORECASE,
)
SPEAKER_ALONE = re.compile(r"-->.*$|^\s*\[\d{1,2}:\d{2}(?::\d{2})?\]\s*$|:\d{2}\s?(?:[ap]m)?\]?\s*$", re.IGNORECASE)
"""A chat's line that only names who speaks, or when: what is said stands below it."""
ROLE = re.compile(
    r"\s*[*_>-]{0,3}\s?([A-Z][\w.'’-]{0,20}(?: [A-Z][\w.'’-]{0,20}){0,2}|user|assistant|system|human|ai|bot|me|you|"
    r"[qaQA]\d{0,2})[*_]{0,2}\s?(?:[:：]|(?<=\d)[.)])\s?[*_]{0,2}\s?\S"
)
ROLES = frozenset(
    """user assistant system human ai bot me you him her he she them q a mum mom dad doctor patient nurse interviewer
    interviewee customer agent client support teacher student pupil boss host guest moderator speaker operator caller
    therapist lawyer judge witness seller buyer tenant landlord husband wife narrator""".split()
)
"""Labels under which somebody speaks, in a chat, a transcript or a play."""
FIELD = frozenset(
    """name age job budget date dates kids location city town country diet allergies allergy height weight goal goals
    hobbies hobby language languages email phone address birthday work status role team occupation profession time times
    day days monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun week breakfast lunch
    dinner snack snacks note notes ps p.s edit update question context problem issue tldr meds medication medications
    conditions gender pets pet family wife husband partner son daughter mum mom dad sister brother car model year make
    size color colour price total due start end morning afternoon evening night today tomorrow yesterday likes dislikes
    experience level equipment space rooms favourites favorites interests pronouns nickname background situation pros
    cons
    option plan step result example hours income rent savings debt currency reminder warning important todo to-do
    """.split()
)
"""Labels under which people tell of themselves in a list: no speakers of a chat."""
_STRONG = [
    r"\s*(?:Traceback \(most recent call last\)|Exception in thread|Caused by:|During handling of the above)",
    r"\s*(?:at [\w$.<>]+\(.{0,120}\)|File \".{1,200}\", line \d+)",
    r"\s*(?:[\w.]{0,80}(?:Error|Exception|Warning)): ",
    r"\s*\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d",
    r"\s*(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s{1,2}\d{1,2} \d\d:\d\d:\d\d[.,]?\d{0,6} ",
    r"\s*\[?\d\d:\d\d:\d\d[.,\]]?\d{0,6}\]?\s",
    r"\s*[\[<(]?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|CRITICAL|NOTICE)\b[\])>:]?",
    r"\S{3,45} \S{1,20} \S{1,20} \[\d{1,2}/\w{3}/\d{4}",
    r"(?:npm ERR!|npm WARN|make(?:\[\d+\])?: |error\[E\d+\]|fatal: |\S{1,120}:\d+(?::\d+)?: ?(?:error|warning|note)|"
    r"●? ?[\w@-]+\.service\b)",
    r"\s*(?:Step \d+/\d+|=> \[|\[\d+/\d+\] |Collecting |Downloading |Requirement already satisfied|"
    r"Successfully (?:built|installed)|FAILED |PASSED )",
    r"(?:diff --git |index [0-9a-f]{6,}\.\.|@@ -\d|--- [ab/]|\+\+\+ [ab/]|commit [0-9a-f]{7,40}$)",
    r"\s*(?:def \w{1,60}\(.{0,200}\).{0,60}:|class \w{1,60}.{0,80}[:{]|import (?:[\w.]+|\{.{1,80}\} from .{1,60}|"
    r"[\w*]+ (?:as \w+ )?from .{1,60})(?: as \w+)?(?:, ?[\w.]+(?: as \w+)?){0,6};?$|"
    r"from [\w.]{1,60} import |#include\s?[<\"]|package [\w.]+;|using [\w.]+;)",
    r"\s*(?:(?:export |async |public |private |static |protected )*(?:function|const|let|var|void|int|string|class|"
    r"interface|enum|struct|fn|func) [\w<>\[\]*&$]+ ?[=({:])",
    r"\s*(?:if|for|while|switch|elif|else if|catch|foreach) ?\(.{1,200}\) ?\{?\s*$",
    r"\s*(?:for \w+(?:, ?\w+)? in .{1,100}|while .{0,60}[<>=(].{0,60}|if .{0,60}(?:[=<>]=|[<>(]).{0,60}|"
    r"with \w+\(.{0,80}|try|else|except\b.{0,60}|finally):\s*$",
    r"\s*(?:return [\w.\[\](){}'\"]{1,120};?$|return .{0,160};$|(?:print|console\.log|printf|println|"
    r"fmt\.\w+) ?\(.{0,200}|raise \w+\(|throw new |await \w+[.(]|yield \w+\()",
    r"\s*(?:SELECT .{1,300}|INSERT INTO .{1,200}|UPDATE \w+ SET .{1,200}|DELETE FROM .{1,200}|CREATE (?:TABLE|INDEX|"
    r"VIEW) .{1,200}|ALTER TABLE .{1,200}|(?:LEFT |INNER |RIGHT )?JOIN .{1,200}|WHERE .{1,200}|GROUP BY .{1,200}|"
    r"ORDER BY .{1,200})$",
    r"\s*(?:\$ |# |> )?(?:(?:sudo|apt|apt-get|pip3?|npm|npx|yarn|brew|docker|kubectl|git|cargo|systemctl|terraform|"
    r"helm) (?:install|run|build|up|down|get|apply|clone|"
    r"push|pull|commit|checkout|add|status|start|restart|stop|exec|logs|describe|init|plan|update|upgrade|ps|apt|"
    r"systemctl|rebase|merge|-)|"
    r"(?:cd|ls|chmod|chown|curl|wget|ssh|mkdir|rm|cp|mv|grep|export|cat|tail|head|echo|source) (?:-|[.~/$]|"
    r"[\w.-]{0,30}[/=*@])).{0,200}$",
    r"\s*\$ [a-z][\w./-]{0,30}(?: .{0,200})?$",
    r"\s*<(?:!--|!DOCTYPE|\?xml|/?[a-z][\w-]{0,20}(?:\s|>|/>))",
    r".{0,200}(?:\{|\}[;,]?|\);|\];|[\w)\"']\s?;)\s*$",
    r"\s*[\"'][\w -]{1,40}[\"']\s?:\s",
    r"\s*[}\])]{1,4}[;,]?\s*$",
    r"\s*[.#@]?[\w-]{1,40}(?:[ ,.>:#][\w.#:-]{1,30}){0,4}\s?\{",
    r"\s*[\w.$\[\]]{1,60} ?(?:(?:\+=|:=|==|!=|=>|=) ?(?:[\[{\"'$]|\w[\w.]{0,60}[(\[])|=\S).{0,200}$",
    r"\[[\w. :-]{1,40}\]\s*$",
    r"(?:\s*\w[\w.-]{0,40}=\S{1,80}){3,}",
    r"\s*>(?! ?\d)",
    r"(?:Review|Rating|Testimonial|Product|Stars)\s?(?:\(.{1,30}\))?: |.{0,40}[★⭐]{2}",
    r"(?:Segmentation fault|Aborted \(|Killed$|BUILD (?:FAILURE|FAILED|SUCCESS)|Scanning for |Total time:|"
    r"Failed to (?:execute|load|start|"
    r"connect|pull|push|resolve|open|parse|fetch|compile|build) |.{0,60}: (?:command not found|No such file|"
    r"Permission denied))",
    r"[EW]: [A-Z]|package \w[\w.]*;?$|import \(?$|import \"|\d{1,5} bytes from |PING \S",
    r"\|.{0,300}\|\s*$|\s*:?-{3,}:?\s*\|",
    r"#!/|[A-Z]:\\.{0,80}>|PS [A-Z]:\\|.{1,40}(?: \.){3,} ?:|(?:={5,}|-{5,}|\*{5,}) .{0,80}|"
    r"(?:[\w-]{1,30}@[\w-]{1,30}[: ].{0,60}|[>%]{1,3})[$#%] ",
]
_STRONG_LINE = re.compile("|".join(f"(?:{form})" for form in _STRONG))
_SQL_OR_SHELL_PROSE = re.compile(r"^\s*[a-z' ]+[.!?]\s*$")
TECHNICAL = re.compile(
    r"^\s{2,}\S|^\s*[}\])]|[;{}=<>|\\]\s*$|^\s*-? ?[\w.-]{1,40}: |^[+-]\s|^\s*(?:#|//|--|/\*|\*) |\w\(.*\)|^\s*\.{3}|"
    r"^\s*[\w.-]{1,40} ?[=:](?!\w* \w+ \w+)|"
    r"^\s*(?:done|fi|esac|then|do|end|begin|pass|break|continue|else|set|return|FROM|AND|ON|HAVING|LIMIT|VALUES|"
    r"SET)\b|; (?:do|then)$|^\s*-{1,2}\w"
)
"""What is code or a log only beside lines that surely are."""
YAML = re.compile(r"\s*(?:- )?[a-z][\w.-]{0,40}:(?:\s*$| [^ ].{0,100}$)|\s+- \S.{0,100}$|---\s*$")
SETTING = re.compile(r"\s*[\w.-]{1,60} ?= ?\S.{0,120}$")
MODAL = re.compile(
    r"\b(?:shall(?! (?:i|we)\b)|hereby|hereinafter|herein|thereof|pursuant|whereas|hereunder|notwithstanding|"
    r"indemnif\w+|liable|"
    r"the (?:tenant|landlord|lessee|lessor|employee|employer|provider|supplier|customer|contractor|company|parties|"
    r"party|user|licensee|"
    r"borrower|lender|buyer|seller|client)|this agreement|governing law|terms (?:and conditions|of (?:use|"
    r"service)))\b|§ ?\d",
    re.IGNORECASE,
)
"""Words of contracts and terms."""
TITLE = re.compile(r"\s*(?:[#*=_ ]{0,8})[A-ZÄÖÜÉ0-9¿\"“'][^\n]{2,110}$")
HEADING = re.compile(
    r"\s*(?:#{1,6} \S.{0,80}|(?:\d{1,2}(?:\.\d{1,2})*\.? )?(?:\*\*)?(?:abstract|introduction|curriculum vitae|cv|"
    r"resume|(?:meeting|tenancy|rental|employment|service) (?:notes|agreement|contract|minutes)\b.{0,40}|"
    r"minutes of .{1,60}|background|methods?|"
    r"methodology|results|discussion|conclusions?|"
    r"references|ingredients|instructions|directions|preparation|serves \d+.{0,30}|(?:work |"
    r"professional )?experience|education|skills|summary|profile|objective|"
    r"certifications?|responsibilities|requirements|qualifications|what we offer|about (?:us|the role|the job|you)|"
    r"who you are|your profile|benefits|"
    r"terms(?: and conditions| of (?:use|service))?|privacy policy|agreement|whereas|definitions|"
    r"term and termination|governing law|confidentiality|"
    r"liability|payment|rent|deposit|attendees|present|apologies|agenda|action items|minutes|next steps|decisions|"
    r"zutaten|zubereitung|ingredientes|"
    r"preparación|ingrédients|préparation|verse(?: \d)?|chorus|bridge|outro|intro|key findings|overview|history|"
    r"symptoms|treatment)(?:\*\*)?\s?:?.{0,3}|"
    r"[\[(](?:verse|chorus|bridge|intro|outro|hook|pre-chorus).{0,12}[\])]|(?:section|clause|article|§) ?\d.{0,80}|"
    r"(?:attendees|present|apologies|action items|experience|languages|agenda|next steps|decisions|ingredients|"
    r"skills|education|"
    r"references|date of birth|"
    r"nationality)\s?[:：].{0,200})\s*$",
    re.IGNORECASE,
)


_ASSIGNED = re.compile(r"(?<![\w=])[A-Za-z_][\w.]{0,40}=[^\s=]")
CODE_TOKEN = re.compile(
    r"[a-z]\w*_\w+|[a-z]+[A-Z][a-z]\w*|\w\(|::|[-=<]>|<-|[<>!=+]=|(?<!\S)[=+*~%&|]{1,2}(?!\S)|"
    r"(?<!\S)--?[a-zA-Z][\w-]*(?=\s|=|$)|"
    r"(?<![\w/])/[\w.-]+(?:/[\w.-]*)*|\w/\w+/\w|\w\.(?:py|js|ts|go|rs|java|txt|md|csv|json|yml|yaml|sh|c|h|cpp|log|"
    r"conf|html|css|exe|so)\b|"
    r"(?<!\w):[a-z]\w+|\$\w|[#$]\{|\[\d+\]|[A-Za-z]\w+:\d+|[a-z]+\.[a-z]+\.[a-z]\w*|0x[0-9a-f]+|[{};]\s*$|\[\"|@\w+$|"
    r"^\s*(?:end|FROM|RUN|COPY|CMD|WORKDIR|ENV|EXPOSE|"
    r"puts|elsif|def|fn|func|let|var|const|class|module|require|library)\b",
    re.MULTILINE,
)
"""What stands in code and in the output of machines, and hardly in talk."""
QUANTITY = re.compile(
    r"\W{0,4}(?:\d+(?:[.,/]\d+)?|[½¼¾]|a|an|one|half)\s?(?:-\s?\d+\s?)?(?:g|kg|ml|l|dl|cl|oz|lbs?|cups?|tbsp|tsp|"
    r"tablespoons?|teaspoons?|"
    r"pinch|cloves?|cans?|tins?|bunch|slices?|EL|TL|Prise|[a-z]{3,15}s?)\b.{0,50}$"
)
COOKING = re.compile(
    r"\b(?:fry|add|mix|bake|simmer|stir|whisk|pour|pre-?heat|boil|chop|serve|knead|drain|season|roast|blend|fold in|"
    r"heat the|cook for|"
    r"verrühren|backen|kochen|mezclar|hornear|mélanger|cuire)\b",
    re.IGNORECASE,
)
LABELS = re.compile(r"[.;] [A-Z][A-Za-z]{2,15}: ")
STAMP_ALONE = re.compile(
    r"\W?[^\W\d][\w .'’-]{0,30}\W{1,4}(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? |today at |"
    r"yesterday at )?\d{1,2}:\d{2}(?::\d{2})?\s?(?:[ap]m)?\]?\s*$",
    re.IGNORECASE,
)
"""Who speaks and when, alone in a line above what is said."""
_COLUMNS = re.compile(r"\S {2,}(?=\S)|\S\t(?=\S)")


def technical(line: str) -> bool:
    """True for a line that only a machine or a programmer writes."""
    return bool(line.strip()) and (_STRONG_LINE.match(line[:400]) is not None or assigns(line))


def assigns(line: str) -> bool:
    """True for a line with two or more assignments, as logs have them: "plan=gold ttl=117"."""
    return len(_ASSIGNED.findall(line[:400])) >= 2


def is_row(line: str) -> str:
    """The separator and number of cells, if a line looks like a row of a table ("," and 3 as ",3"); "" otherwise."""
    line = line[:2000]
    for mark in ("|", "\t", ";", ","):
        count = line.count(mark)
        if count < 2 - (mark in "|\t"):
            continue
        if mark in ",;" and (line.count(mark + " ") * 2 > count or line.rstrip().endswith((".", "!", "?"))):
            continue
        return f"{mark}{count}"
    return " " if len(_COLUMNS.findall(line.rstrip())) >= 2 and not line[:1].isspace() else ""
