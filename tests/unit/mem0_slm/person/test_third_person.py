"""What users type about themselves, in third person; nothing where the rules are not sure."""

import time

import pytest

from mem0_slm.person.third_person import third_person

TURNED = {
    "plain verbs agree": [
        ("I moved to Leeds in May and my wife hates it", "User moved to Leeds in May and User's wife hates it"),
        (
            "I go to church every sunday and sing in the choir",
            "User goes to church every sunday and sings in the choir",
        ),
        ("i weigh 82kg and am 1.80m tall", "User weighs 82kg and is 1.80m tall"),
        ("i carry an epipen with me", "User carries an epipen with User"),
        ("i teach english and write poetry", "User teaches english and writes poetry"),
    ],
    "as it is typed in a chat": [
        ("im 34 and live with my mum in coventry", "User is 34 and lives with User's mum in coventry"),
        ("ive been vegan since january", "User has been vegan since january"),
        ("id love a dog but my landlord says no", "User would love a dog but User's landlord says no"),
        ("ill be in Berlin next week", "User will be in Berlin next week"),
        ("i wanna lose 10 kilos before the wedding", "User wants to lose 10 kilos before the wedding"),
        ("im gonna be a dad", "User is going to be a dad"),
        ("i gotta get up at 5 every day", "User has to get up at 5 every day"),
        ("I ain't got time", "User hasn't got time"),
        ("i were born in Barnsley", "User was born in Barnsley"),
        ("i been here since morning", "User has been here since morning"),
        ("i should of guessed", "User should have guessed"),
        ("i definately want kids", "User definately wants kids"),
        ("ok so, honestly, i work at aldi lol", "User works at aldi"),
        ("hi there! i'm left handed btw", "User is left handed"),
        ("thank you so much, my son loved it", "User's son loved it"),
        ("idk what i want", "User doesn't know what User wants"),
        ("imo pineapple belongs on pizza", "In User's opinion pineapple belongs on pizza"),
    ],
    "adverbs and negation": [
        ("I really don't like mornings", "User really doesn't like mornings"),
        ("i never eat breakfast", "User never eats breakfast"),
        ("i no longer eat meat", "User no longer eats meat"),
        ("i sort of miss my ex", "User sort of misses User's ex"),
        ("i do not like to be called Bob", "User does not like to be called Bob"),
        ("i haven't told my parents yet", "User hasn't told User's parents yet"),
        ("I can't stand olives", "User can't stand olives"),
        ("i'm not really into sports tbh", "User is not really into sports"),
    ],
    "I'd": [
        ("i'd like to learn guitar someday", "User would like to learn guitar someday"),
        ("i'd never been abroad before", "User had never been abroad before"),
        ("i'd better go", "User had better go"),
        ("I'd rather not fly", "User would rather not fly"),
    ],
    "verbs that share the subject": [
        ("I live in Leeds and work as a nurse", "User lives in Leeds and works as a nurse"),
        ("i eat meat but hate fish", "User eats meat but hates fish"),
        ("i've two sisters and am the youngest", "User has two sisters and is the youngest"),
        ("i lost my job and have been freelancing", "User lost User's job and has been freelancing"),
        ("im divorced, have two kids and live in a flat", "User is divorced, has two kids and lives in a flat"),
        ("I want to move to Spain and learn Spanish", "User wants to move to Spain and learn Spanish"),
        ("i don't smoke or drink", "User doesn't smoke or drink"),
        ("i can sing but hate performing", "User can sing but hates performing"),
        ("i used to drink and now run marathons", "User used to drink and now runs marathons"),
        ("i help my dad run the farm", "User helps User's dad run the farm"),
        (
            "I sold my house, quit my job and now live in a van",
            "User sold User's house, quit User's job and now lives in a van",
        ),
        ("i turn 40 in may and want a party", "User turns 40 in may and wants a party"),
        ("i never eat breakfast and skip lunch", "User never eats breakfast and skips lunch"),
    ],
    "nouns that could be verbs": [
        ("i eat meat, fish and eggs", "User eats meat, fish and eggs"),
        ("i don't like tea or coffee", "User doesn't like tea or coffee"),
        ("I run twice a week and swim on Sundays", "User runs twice a week and swims on Sundays"),
    ],
    "present and past alike": [
        ("I usually put sugar in my tea", "User usually puts sugar in User's tea"),
        ("I read a lot of crime novels", "User reads a lot of crime novels"),
        ("i read it yesterday", "User read it yesterday"),
        ("i quit my job", "User quit User's job"),
        ("i found a lump", "User found a lump"),
    ],
    "several who are the subject": [
        ("my wife and i live in york", "User's wife and User live in york"),
        ("me and my husband moved to Spain", "User and User's husband moved to Spain"),
        ("my kids and i have a cold", "User's kids and User have a cold"),
        ("my boss quit and i have her job now", "User's boss quit and User has her job now"),
    ],
    "other subjects": [
        ("i have friends who hate me", "User has friends who hate User"),
        ("i dont drink but my husband does", "User doesn't drink but User's husband does"),
        ("i think he likes me and i like him", "User thinks he likes User and User likes him"),
        ("my son wants me to quit smoking", "User's son wants User to quit smoking"),
        ("it took me three years to learn dutch", "It took User three years to learn dutch"),
        ("bee stings nearly kill me", "Bee stings nearly kill User"),
    ],
    "what was reported": [
        ("my doctor says i should cut down on salt", "User's doctor says User should cut down on salt"),
        ("he told me I was fired", "He told User that User was fired"),
        ("my wife says I snore", "User's wife says User snores"),
    ],
    "clauses before": [
        ("if i eat dairy i get a rash", "If User eats dairy User gets a rash"),
        ("when i was 12 i broke my arm", "When User was 12 User broke User's arm"),
        ("what i really want is a dog", "What User really wants is a dog"),
        ("as a vegetarian i miss bacon", "As a vegetarian User misses bacon"),
        ("on weekends i hike and climb", "On weekends User hikes and climbs"),
    ],
    "mine and myself": [
        ("a friend of mine lives there", "A friend of User's lives there"),
        ("i taught myself to code", "User taught themselves to code"),
        ("i live on my own", "User lives on their own"),
    ],
    "we": [
        ("we live on the third floor", "User lives on the third floor"),
        ("we have two daughters and a son", "User has two daughters and a son"),
        ("we don't eat meat", "User doesn't eat meat"),
        ("our son has autism", "User's son has autism"),
        ("my mum lives with us now", "User's mum lives with User now"),
    ],
    "the subject left out": [
        ("moved to Leeds last year", "User moved to Leeds last year"),
        ("allergic to nuts", "User is allergic to nuts"),
        ("been coding since 2010", "User has been coding since 2010"),
        ("got two kids", "User has got two kids"),
        ("got a new job", "User got a new job"),
        ("born and raised in glasgow", "User was born and raised in glasgow"),
        ("just moved into a new flat", "User just moved into a new flat"),
        ("currently working as a barista", "User is currently working as a barista"),
        ("work from home", "User works from home"),
        ("dont like fish", "User doesn't like fish"),
        ("not a fan of horror movies", "User is not a fan of horror movies"),
    ],
    "nobody in first person": [
        ("the boiler is leaking.", "The boiler is leaking"),
        ("LDL is 4.9", "LDL is 4.9"),
        ("iPhone 12, cracked screen", "iPhone 12, cracked screen"),
        ("my sister lives in Lyon", "User's sister lives in Lyon"),
    ],
    "several sentences": [
        ("Hi! I'm Tom. i'm 34. my dog is old.", "User is Tom. User is 34. User's dog is old"),
        ("I see Dr. Patel every 6 months", "User sees Dr. Patel every 6 months"),
        ("i like tea. don't like coffee", "User likes tea. User doesn't like coffee"),
    ],
}
UNSURE = {
    "questions": ["can i swim after", "what else can i bring", "so am i", "is 21 degrees normal for my room?"],
    "orders": [
        "tell me a joke",
        "call me Sam",
        "define entropy like i'm 12",
        "thanks for walking me through it, i think i misread",
        "im just parking up bear with me right",
        "Simulate a call with my bank, I'm practising",
        "i hate coriander, give me a recipe without it",
        "im colourblind so dont use red and green",
        "i teach novices, don't ask me why",
        "my boss hates letters so make it short",
    ],
    "you": ["you know my sister", "i bet u hate me", "your answer helped my son"],
    "someone else's words": ['she said "I am tired"', "my son says i want a dog", "she was like i can't believe it"],
    "not true of one": [
        "we are twelve",
        "we split the rent",
        "we met in 2010",
        "for the holidays we are in eleven at my uncle's",
        "we both work",
        "we're making sixty hats, i've done nine",
        "two of us are vegan",
    ],
    "another may be the subject": [
        "i have a brother who lives in Leeds and work as a nurse",
        "i think my phone is broken and need a new one",
        "My sister is a vet. Moved to Rome last year.",
    ],
    "one word, two readings": [
        "i read that book twice",
        "i put my car up for sale",
        "i'd put it on the shelf",
        "i don't smoke and drink very little",
        "i have to work weekends and hate it",
        "i nurse at st thomas",
        "went well",
        "works in IT",
        "been raining all week",
        "love it",
    ],
    "not a sentence": [
        "when i was 12",
        "because i'm diabetic",
        "vegan",
        "me too",
        "my god",
        "for my wife",
        "i teh",
        "",
    ],
    "titles": ["we watched My Fair Lady", "type I collagen is in my cream"],
}


@pytest.mark.parametrize(("said", "expected"), [case for cases in TURNED.values() for case in cases])
def test_what_is_sure_is_turned(said: str, expected: str) -> None:
    assert third_person(said) == expected


@pytest.mark.parametrize("said", [said for cases in UNSURE.values() for said in cases])
def test_what_is_not_sure_is_left(said: str) -> None:
    assert third_person(said) is None


def test_the_subject_can_be_named() -> None:
    assert third_person("I book my tables by phone", "Agent") == "Agent books Agent's tables by phone"


@pytest.mark.parametrize(
    "said", ["i like it and " * 8000, " " * 100_000, "i'" * 50_000, '"' * 100_000, "my my " * 17_000]
)
def test_a_long_message_takes_no_time(said: str) -> None:
    start = time.perf_counter()
    third_person(said)
    assert time.perf_counter() - start < 0.3
