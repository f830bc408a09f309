"""Which language a text is in, whom it speaks of, and whether it asks."""

import pytest

from mem0_slm.said.languages import is_english, is_question, speaks_of_oneself


@pytest.mark.parametrize(
    "text",
    [
        "im gonna b l8 cuz my mums sick lol",
        "We moved to Łódź last spring with José and Günther",
        "my dad was born in Rio de Janeiro and my mum in Los Angeles",
        "no sushi pls",
        "so tired omg",
        "budget about 600",
        "2014 skoda octavia, diesel",
        "jalapeño poppers are my favourite",
        'we say "ich liebe dich" to each other',
        "my name in Japanese is 山田太郎",
        "Maria Gonzalez Lopez",
        "ok",
        "",
    ],
)
def test_english_with_typos_foreign_names_or_too_little_to_tell(text):
    assert is_english(text)


OWN = [
    "ich wohne in Berlin und arbeite bei Siemens",
    "hab morgen einen Termin beim Zahnarzt",
    "J'habite à Lyon avec ma femme",
    "vivo en Madrid con mi hermana",
    "no como carne desde 2015",
    "Moro no Porto há dez anos",
    "ho due gatti",
    "ik woon in Utrecht met mijn vriend",
    "Mieszkam w Krakowie od roku",
    "İstanbul'da yaşıyorum",
    "Jag bor i Malmö med min sambo",
    "Saya tinggal di Bandung bersama istri saya",
    "Tôi sống ở Hà Nội với vợ",
    "我住在成都",
    "我老公用 iPhone 和 MacBook",
    "妻は看護師です",
    "저는 부산에 살아요",
    "Я живу в Казани",
    "Я працюю вчителем",
    "أعيش في القاهرة",
    "אני גר בחיפה",
    "मैं दिल्ली में रहता हूँ",
    "ฉันอยู่เชียงใหม่",
    "Μένω στην Πάτρα",
]


@pytest.mark.parametrize("text", OWN)
def test_other_languages_and_their_first_person(text):
    assert not is_english(text)
    assert speaks_of_oneself(text)


@pytest.mark.parametrize(
    "text",
    [
        "Die Katze war krank",
        "Le train part à midi.",
        "Москва — столица России.",
        "北京是中国的首都。",
        "The train is late.",
    ],
)
def test_what_is_about_nobody(text):
    assert not speaks_of_oneself(text)


@pytest.mark.parametrize(
    "text",
    [
        "what should i cook tonight",
        "can i swim after",
        "any ideas for a gift",
        "Wo kann ich parken",
        "est-ce que je peux nager après",
        "¿Puedo nadar?",
        "onde fica a estação",
        "dove si mangia bene a Bari",
        "waar kan ik zwemmen",
        "gdzie mogę zaparkować",
        "yarın gelebilir miyim",
        "hur gör man detta",
        "apakah saya boleh berenang",
        "这个药能和酒一起吃吗",
        "我该怎么办",
        "どうすればいいですか。",
        "泳いでもいいかな",
        "수영해도 될까요",
        "можно ли мне плавать",
        "هل أستطيع السباحة",
        "איך מגיעים לשם",
        "क्या मैं तैर सकता हूँ",
        "ว่ายน้ำได้ไหม",
        "Τι να μαγειρέψω;",
        'she asked "why now?"',
    ],
)
def test_questions(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "what a day",
        "have been here since May",
        "can't sleep",
        "When i was six we moved to Cork",
        "How I met my wife is a long story",
        "will be 40 in May",
        "do not call me Bob",
        "is it raining? I live in Cork",
        "Cuando era niño vivía en Quito",
        "Quand j'étais petit, je vivais à Nice",
        "Wat ik leuk vind is zwemmen",
        "我不知道怎么做饭,所以总是点外卖",
        "妻は看護師です。",
        "저는 부산에 살아요",
        "",
    ],
)
def test_what_tells_though_it_begins_like_a_question(text):
    assert not is_question(text)
