"""Which language a text is in, as far as it matters here: English or not, about its writer or not, asked or told.

Scripts tell most languages; those with Latin letters are told apart by closed lists of their commonest words. A
detector with a model would be surer of long texts, but slower to load, and unsure of chat ("im at mums til 6") and of
answers of three words, which is what comes here.
"""

import re

from mem0_slm.said.language_words import (
    ASKING_WORDS,
    ASKS_LATIN,
    ASKS_SCRIPTS,
    ENGLISH,
    FOREIGN,
    HOMOGRAPHS,
    LANGUAGES_OF,
    LOANS,
    SCRIPTS,
    SELF_ENDINGS,
    SELF_SCRIPTS,
    SELF_WORDS,
    SURE_SELF,
    TELLS,
    TELLS_ELSEWHERE,
    UNSPACED,
    WEAK,
    WORD,
)

_WIDE = 2
_READ = 4000
"""Characters that are looked at: a language does not change behind them, and a long paste need not be read whole."""
_ACCENTED = re.compile(r"[^\W\d_A-Za-z]")
_MARKS = ("?", "？", "؟")
_CLOSERS = " \t\n\"'”’»)]}*_~!…." + "\U0001f600\U0001f602\U0001f605\U0001f64f\U0001f914"


def _scripts(text: str) -> tuple[dict[str, float], list[str]]:
    """How many words of which script other than Latin a text holds, and its Latin words, in order."""
    weights: dict[str, float] = {}
    for found in SCRIPTS.finditer(text):
        script = str(found.lastgroup)
        length = found.end() - found.start()
        weights[script] = weights.get(script, 0) + (length / _WIDE if script in UNSPACED else 1)
    return weights, [word for word in WORD.findall(text) if not SCRIPTS.match(word)]


def _latin(found: list[str]) -> str:
    """Language of Latin words: "en", a key of `_FOREIGN`, or "" where their words do not tell."""
    english, scores, accented = 0.0, dict.fromkeys(FOREIGN, 0.0), 0
    shouted = all(word.isupper() for word in found if len(word) > 1)
    for at, typed in enumerate(found):
        word = typed.lower().replace("’", "'")
        name = at > 0 and typed[0].isupper() and not shouted and word not in ("i", "i'm", "i've", "i'd", "i'll")
        if word in ENGLISH:
            english += 0.5 if word in HOMOGRAPHS or name else 1
        languages = () if name else LANGUAGES_OF.get(word, ())
        for language in languages:
            scores[language] += 0.5 if word in WEAK else 1
        accented += not languages and typed.islower() and word not in LOANS and bool(_ACCENTED.search(word))
    language = max(scores, key=lambda key: scores[key])
    if scores[language] + accented > english and scores[language] >= 1:
        return language
    if english or not accented or accented * 3 < len(found):
        return "en" if english else ""
    return "??"


def _language(text: str) -> str:
    """Language of a text: a code, that of the script if need be; "" where nothing tells, "??" if not known."""
    text = text[:_READ]
    weights, latin = _scripts(text)
    if not weights:
        return _latin(latin)
    if "ja" in weights and weights["ja"] * 10 >= weights.get("zh", 0):
        weights["ja"] += weights.pop("zh", 0)
    script = max(weights, key=lambda key: weights[key])
    told = _latin(latin) if latin else ""
    if (
        told == "en"
        and len(latin) > sum(weights.values())
        or (told and told != "en" and len(latin) > 2 * weights[script])
    ):
        return told
    return script


def is_english(text: str) -> bool:
    """False if a text is in another language than English; where it is too short to tell, Latin letters are English."""
    return _language(text) in ("en", "")


def speaks_of_oneself(text: str) -> bool:
    """True if a text in any of the known languages is about its writer or the writer's own people.

    Told by first-person words and verb endings and, where a language leaves these out, by words for one's own kin and
    by the plain ends of statements. A language that is not known speaks of nobody.
    """
    language, text = _language(text), text[:_READ]
    if language in SELF_SCRIPTS:
        return SELF_SCRIPTS[language].search(text) is not None
    found = [word.replace("’", "'") for word in WORD.findall(text.lower())]
    if not language:
        return any(word in SURE_SELF or word in SELF_WORDS["en"] for word in found)
    listed, ending = SELF_WORDS.get(language, SURE_SELF), SELF_ENDINGS.get(language)
    if language == "fr" and any(word.startswith(("j'", "m'")) for word in found):
        return True
    return any(word in listed or (ending is not None and ending.search(word) is not None) for word in found)


def is_question(sentence: str) -> bool:
    """True if one sentence asks, by its mark or, without one, by how its language begins or ends a question."""
    text = sentence.strip().rstrip(_CLOSERS)
    if text.endswith(_MARKS):
        return True
    text = re.split(r"[?？؟](?=\s)", text)[-1].strip()  # what is told after a question is told
    if "¿" in text:
        return True
    language = _language(text)
    if language == "el" and text.endswith((";", "\u037e")):
        return True
    lowered = text.lower().replace("’", "'")
    ending = ASKS_SCRIPTS.get(language) or ASKS_LATIN.get(language)
    if ending is not None and ending.search(lowered[-400:]):
        return True
    first = lowered.split()[0].strip("¡,.!:\"'") if lowered else ""
    if first not in ASKING_WORDS.get(language or "en", ()):
        return False
    tells = TELLS if language in ("en", "") else TELLS_ELSEWHERE
    return lowered != first and not tells.match(lowered)
