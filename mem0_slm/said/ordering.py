"""What opens an order to the assistant, or says how it is to answer from now on, by its first words."""

from mem0_slm.person.verbs import base, plain
from mem0_slm.said.asking import OPEN, after_leads, at, is_finite
from mem0_slm.said.openers import STANDING, says
from mem0_slm.said.sentences import Word, words_of
from mem0_slm.said.wording import (
    ALWAYS,
    ARTEFACTS,
    AUXILIARIES,
    DETERMINERS,
    FINITE,
    FIRST,
    MODALS,
    NOUNY,
    ORDERS,
    OUTPUT_NOUNS,
    OUTPUTS,
    PAST_TIMES,
    POSSESSIVES,
    YOU,
)
from mem0_slm.text import NUMBER_WORDS

_ASKED_OF_YOU = frozenset("can could would will cud wud may kan".split())
_SEEKING = frozenset("looking after searching hoping".split())
_WISHES = frozenset("need want like love appreciate prefer".split())
_STATES = frozenset(
    "eat drink like want have drive know mind own sleep work live care need understand speak watch smoke wear trust "
    "believe cook feel see remember celebrate exercise sweat tolerate digest do".split()
)
_FORBIDDEN = frozenset("let forget judge laugh worry ask be make get think even go come bother remind spoil".split())


def _names_artefact(words: list[Word], i: int, reach: int) -> bool:
    """True if what is asked for is something that an assistant makes, before any verb."""
    for j in range(i, min(i + reach, len(words))):
        said = words[j].said
        if said in "@.:(/":
            return False
        if said in ARTEFACTS:
            return at(words, j + 1) not in AUXILIARIES | {":"} and not (
                at(words, j + 1) == "of" and said in ("name", "names")
            )
        if (
            said in AUXILIARIES
            or said in FINITE
            or said in FIRST
            or said in ("for", "to", "about", "from", "with", ",")
        ):
            return False
    return False


def opens_order(words: list[Word], i: int) -> bool:
    """True if words from `i` on open an order or ask for something to be made."""
    i = after_leads(words, i)
    word, after, third = at(words, i), at(words, i + 1), at(words, i + 2)
    if word in ("user", "user's", "users") or (word, after) in (("the", "user"), ("the", "user's")):
        return True  # nobody calls themselves that: it is told to whoever keeps the memories
    if word in _ASKED_OF_YOU and after in ("you", "u", "ya", "someone", "somebody", "anyone", "anybody"):
        return True
    if word in ("i", "i'd", "id", "we", "we'd", "i'm", "im", "would"):
        return _wishes(words, i)
    if word in ("don't", "dont") or (word, after) == ("do", "not"):
        verb = third if word == "do" else after
        return verb in _FORBIDDEN or verb in ORDERS - _STATES or verb not in _STATES and not verb.endswith("ed")
    if word in ("need", "want", "looking", "after", "needing", "wanting") or (word == "searching" and after == "for"):
        return after in ("you", "u") or _names_artefact(words, i + 1 + (after == "for"), 5)
    if word == "quit":
        return after.endswith("ing") and after not in _GIVEN_UP
    if word in ALWAYS:
        return after in ORDERS | OUTPUTS and after not in ("take", "cook", "bake", "like", "hit", "work", "come")
    if word not in ORDERS:
        if word in POSSESSIVES or word in FIRST or word in ("the", "that", "this"):
            return False
        told = any(is_finite(w.said) and not w.said.endswith("ed") for w in words[i : i + 25])
        return not told and _names_artefact(words, i, 4)
    if word == "help":
        return after not in AUXILIARIES
    if word == "lets":
        return after not in DETERMINERS | {"me", "him", "them", "us", "you"}
    return word not in NOUNY and (plain(word) or not base(word)) or _is_verb(words, i)


def _wishes(words: list[Word], i: int) -> bool:
    """ "I need you to", "I'd like some ideas", "I'm looking for tips", "would love a poem"."""
    j = i
    while j < min(i + 5, len(words)) and words[j].said not in _WISHES | _SEEKING:
        if words[j].said not in FIRST and words[j].said not in (
            "would",
            "am",
            "are",
            "just",
            "really",
            "also",
            "do",
            "only",
        ):
            return False
        j += 1
    if j >= len(words) or j == i + 5:
        return False
    if words[j].said in _SEEKING and words[j].said != "after" and at(words, j + 1) != "for":
        return False
    j += 1 + (at(words, j + 1) == "for")
    return at(words, j) in ("you", "u", "ya") or _names_artefact(words, j, 6)


_OBJECTS = frozenset("me us it them him this that these those the a an my our some something all one two three".split())
_GIVEN_UP = frozenset("smoking drinking vaping gambling eating working drugs sugar".split())
_MEETINGS = frozenset("interview call test review class practice present quiz email message text note book".split())
_FIXED = frozenset("on at from is with tomorrow today next this tonight by".split())
_LIVED = frozenset("work live play run cook bake walk".split())


_TIMES = frozenset("every most times twice weekly daily regularly once".split())


def _habit(words: list[Word], i: int) -> bool:
    """ "go to the gym three times a week", "come from a family of bakers"."""
    return any(w.said in _TIMES for w in words[i + 1 :]) or (at(words, i), at(words, i + 1)) == ("come", "from")


def _is_verb(words: list[Word], i: int) -> bool:
    """True if a word that may be a noun or a past form as well gives an order here."""
    word, after, third = at(words, i), at(words, i + 1), at(words, i + 2)
    if any(w.said in PAST_TIMES for w in words[i:]):
        return False
    if not after or not after[0].isalnum():
        return after != ":"
    if word in _LIVED | {"go", "do", "take", "have", "come"} and _habit(words, i):
        return False
    if word in _LIVED:
        return after in _OBJECTS - {"a", "an", "one", "two", "three"} or after in ("again", "through", "along")
    if word == "order" and words[i + 1].capital or word in _MEETINGS and after in _FIXED:
        return False  # "order AB-4471", "interview on Tuesday"
    if after in AUXILIARIES or after == "of" or after[0].isdigit() and not third[:1].isalnum():
        return False
    counted = (after in NUMBER_WORDS or after[0].isdigit()) and third[:1].isalpha()
    if counted or after in _OBJECTS or after in DETERMINERS or after in OPEN:
        return True
    return not any(w.said in AUXILIARIES or w.said in FINITE for w in words[i + 1 : i + 7])


_NAMES = frozenset("back later when on if at tomorrow a an up out in crazy old".split())
_REFUSALS = frozenset("don't dont stop quit no avoid without".split())


def opens_standing_order(words: list[Word], i: int) -> bool:
    """True if words from `i` on say how the assistant is to answer from now on."""
    i = after_leads(words, i)
    i = after_leads(words, i + says(words, i, STANDING))
    word, after, third = at(words, i), at(words, i + 1), at(words, i + 2)
    rest = [w.said for w in words[i:]]
    standing = any(says(words, j, STANDING) for j in range(len(words)))
    always = any(said in ("always", "never") or said == "ever" and word in _REFUSALS for said in rest)
    nouns = any(said in OUTPUT_NOUNS for said in rest)
    if (word, after) == ("call", "me") or (word, after) == ("address", "me"):
        return third not in _NAMES and third != ""
    if (word, after) == ("do", "not"):
        word, after, third = "don't", third, at(words, i + 3)
    if word in _REFUSALS and after in ("calling", "call", "addressing") and third == "me":
        return True
    if word in ("don't", "dont", "stop", "quit", "avoid"):
        verb = after.removesuffix("ing")
        output = after in OUTPUTS or any(verb in (o, o.removesuffix("e"), o + o[-1]) for o in OUTPUTS)
        return output and (always or standing or nouns or "again" in rest or word == "stop")
    if word in ALWAYS:
        return after in OUTPUTS or standing
    if word == "no":
        return nouns and len(rest) <= 8
    if word in OUTPUTS or word in ORDERS:
        return standing or (always and word in OUTPUTS) or (word == "keep" and nouns)
    if word in ("your", "ur"):
        return after in OUTPUT_NOUNS and third in MODALS
    if word in FIRST:
        reach = rest[:7]
        return any(said in _WISHES for said in reach) and (
            any(said in YOU for said in reach)
            and (standing or always)
            or any(said in ("answers", "replies", "responses") for said in reach)
            and "love" not in reach
        )
    return standing and word in YOU


_FOREIGN_ORDERS = frozenset(
    "escribe escribeme escríbeme dame hazme haz ayúdame ayudame explica explícame explicame traduce "
    "resume dime cuéntame cuentame recomiéndame recomiendame corrige puedes podrías podrias "
    "necesito-que schreib schreibe gib erkläre erklär übersetz übersetze fass hilf zeig nenn "
    "empfiehl korrigier korrigiere kannst könntest écris ecris donne explique traduis résume aide "
    "aidez raconte corrigez peux pouvez pourrais pourriez scrivi scrivimi dammi spiega spiegami "
    "traduci riassumi aiutami dimmi fammi puoi potresti correggi consigliami escreve escreva traduz "
    "traduza ajuda ajude pode podes podia corrija schrijf geef vertaal leg vat kun napisz "
    "przetłumacz wyjaśnij pomóż напиши переведи объясни помоги расскажи дай исправь yaz çevir açıkla "
    "skriv översätt oversett förklara forklar اكتب ترجم اشرح ساعدني लिखो लिखें बताओ बताइए समझाओ".split()
)
_FOREIGN_STARTS = ("请", "帮我", "帮忙", "写一", "翻译", "给我", "告诉我", "推荐")
_FOREIGN_ENDS = ("ください", "下さい", "教えて", "書いて", "訳して", "주세요", "해줘", "알려줘", "써줘")
_FOREIGN_SMALL = frozenset(
    "hola gracias muchas buenos buenas días dias tardes noches adiós adios hallo danke guten morgen "
    "tag abend tschüss servus vielen dank bonjour salut merci beaucoup bonsoir au revoir ciao grazie "
    "mille buongiorno buonasera olá ola obrigado obrigada bom dia boa tarde noite hoi je wel bedankt "
    "goedemorgen cześć dziękuję привет спасибо здравствуйте пока merhaba teşekkürler hej tack hei "
    "takk मरहबा नमस्ते धन्यवाद مرحبا شكرا ok sí si oui ja nein non no да нет 你好 谢谢 您好 再见 こんにちは ありがとう "
    "ありがとうございます おはよう 안녕하세요 감사합니다".split()
)


def orders_abroad(text: str) -> bool:
    """True if a sentence of another language opens an order, as far as a short list of the commonest knows it."""
    said = [word.said for word in words_of(text)]
    plain_text = text.strip(" 。.!！\n")
    return bool(said) and (
        said[0] in _FOREIGN_ORDERS or plain_text.startswith(_FOREIGN_STARTS) or plain_text.endswith(_FOREIGN_ENDS)
    )


def small_abroad(text: str) -> bool:
    """True for a greeting or thanks alone in another language."""
    said = [word.said for word in words_of(text) if word.said[0].isalnum()]
    return len(said) <= 5 and all(word in _FOREIGN_SMALL for word in said)
