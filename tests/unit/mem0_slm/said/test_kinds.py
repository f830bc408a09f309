"""What a clause does: what of a message is the speaker's own word about the real world."""

import pytest

from mem0_slm.said.clauses import clauses


def kinds(message):
    return [clause.kind for clause in clauses([("user", message)])]


QUESTIONS = [
    # chat style, without a mark
    "can i swim after",
    "whats a good laptop",
    "how do i get beetroot out of wool",
    "is it ok if he eats figs",
    "any ideas",
    "wondering whether i need a visa",
    "not sure if I should quit my job",
    "do you think my new job is a mistake",
    "i wonder why i keep failing",
    "I don't know what to cook tonight",
    "what mortgage could i get",
    "y is my battery so bad",
    "which is better for a beginner, ski or snowboard",
    "where can I buy yuzu in Bath",
    "does anyone know if the tunnel is open",
    "did arsenal win",
    "would Rome be ok with a buggy",
    "should we get a rescue or a puppy",
    "anyone else's cat scream at night",
    "in which year did the war end",
    "In general, is a diesel better for short trips",
    "I want to know if I can bring my cat to Italy",
    # told in form, asked by its mark or its tag
    "so my daughter needs antibiotics then?",
    "my daughter needs antibiotics right",
    "so he's engaged huh",
    # looked up
    "cheap flights to rome",
    "python sort dict by value",
    "true or false: the moon is made of cheese",
]
REQUESTS = [
    "dont let me forget the dentist on monday",
    "give me 3 dinner ideas for a toddler",
    "pls rank the three flats I sent",
    "I need you to check this",
    "I'd love a poem for my parents' ruby wedding",
    "python function that reverses a linked list",
    "curly hair routine pls",
    "let's go through the steps again",
    "text my mum that im late",
    "plan a move to ghent",
    "call me back later",
    "guess what i got for xmas",
    "forget Lisbon",
]
STANDING = [
    "never use emojis",
    "please always use metric units",
    "from now on call me Captain",
    "call me Jo",
    "dont call me sir",
    "no bullet points ever",
    "no more exclamation marks please",
    "stop using the word delve",
    "keep your answers short from now on",
    "I prefer short answers",
]
SMALL_TALK = [
    "hey",
    "thanks so much!!",
    "ugh so tired today lol",
    "that's great",
    "ok next one",
    "never mind",
    "what a week",
    "you misunderstood me",
    "you said yesterday that oats are fine",
    "ur my best friend",
    "I've told all my colleagues about you",
    "i love how you explain stuff",
    "that didn't work",
    "no idea tbh",
    "i could eat a horse",
    "forget that I like jazz",
    "taxes lol",
]
UNREAL = [
    "if we paid 900 we'd be broke",
    "hypothetically someone had 3 wives",
    "I wish I had a sister",
    "my mum would have been 80 today",
    "i would move to Chile in a heartbeat",
    "act as a pirate",
    "my D&D character is a gnome wizard",
    "In my novel the detective is allergic to bees",
    "last night I dreamt I moved to Mars",
    "I'm totally a morning person (not)",
    "like I'm going to run a marathon",
]
STATEMENTS = [
    "I should tell my boss I'm pregnant",
    "I'd love to visit Iceland one day",
    "I would never buy a German car again",
    "I might move to Bristol next year",
    "my mum thinks I'm gay",
    "I asked if I could work from home and they said no",
    "quit smoking in january",
    "read the whole Narnia series last month",
    "live in ghent",
    "had my gallbladder out in 2020",
    "need to buy a present for my brother",
    "what my wife loves most is peonies",
    "where I live there are no buses after 9",
    "when my shift ends at 6 I walk home along the canal",
    "Will is my husband",
    "may is my busiest month",
    "would love to see Rome",
    "can't have dairy",
    "interview at Brightwell is Tuesday 7:30",
    "plan is to move to ghent in spring",
    "no true crime please gives me nightmares",
    "we pay 900 if that helps",
    "thanks to my tutor i passed my exam",
    "guess what, I'm moving to Malta",
    "i love it here in Tromso",
    "I want my money back",
    "God is there and my wife too",
    'he had "put it to bed" again, my grandson, in the shed behind the house',
]
FRAGMENTS = [
    "nut allergy, severe",
    "thinking of getting a border collie",
    "no dairy, no nuts",
    "Not vegan, just veggie",
    "kids: Ada (4), Obi (7)",
    "play bass in a band",
    "symptoms: fatigue, joint pain",
    "Been to Japan twice, never to Korea",
]
FOREIGN = [
    ("Soy celíaco y vivo en Murcia. ¿Qué puedo desayunar?", ["foreign", "question"]),
    ("我对花生过敏，下个月要去成都。有什么可以吃的？", ["foreign", "question"]),
    ("アレルギーがあります。東京に住んでいます。", ["foreign", "foreign"]),
    ("je suis végétarienne depuis 10 ans", ["foreign"]),
    ("Schreib mir ein Gedicht über den Herbst", ["request"]),
    ("Bonjour, merci beaucoup!", ["small_talk"]),
]
SEVERAL = [
    ("hey! any tips? I moved to Leeds", ["small_talk", "question", "statement"]),
    ("you know what, I'm moving to Malta", ["small_talk", "statement"]),
    ("Act as a career coach. I'm 45 and I was a welder", ["request", "statement", "statement"]),
    ("You're the best! I'm a nurse", ["small_talk", "statement"]),
    ("write a story about a girl who lost her dog. she is 9", ["request", "unreal"]),
    ("write a story for my daughter Ann, she is 9", ["request", "statement"]),
    ("I'm writing a novel. The hero, Oren, is blind. His sister is queen", ["statement", "unreal", "unreal"]),
    ("In the film the sister sails away. I loved it in May", ["unreal", "statement"]),
    ("suppose i sold the boat. i buy a van. btw my dad is 80", ["unreal", "unreal", "statement"]),
    ("John has 5 apples. Mary gives him 3. How many does he have?", ["unreal", "unreal", "question"]),
    ("Riddle: I have hands but cannot clap. What am I?", ["unreal", "unreal", "question"]),
    ("Which is correct? a) I goes home", ["question", "question"]),
    ("how much do teachers earn, i'm one and i get 2400", ["question", "statement", "statement"]),
    ("I have eczema and does the cream help", ["statement", "question"]),
    ("my dad is 80 and has a cat", ["statement"]),
    ("store this: I moved to Paris", ["request", "statement"]),
    ("2019 fiat panda. engine light on. my mechanic is away", ["fragment", "fragment", "statement"]),
]
ALIKE = {
    "question": QUESTIONS,
    "request": REQUESTS,
    "standing_request": STANDING,
    "small_talk": SMALL_TALK,
    "unreal": UNREAL,
    "statement": STATEMENTS,
    "fragment": FRAGMENTS,
}


@pytest.mark.parametrize("kind, message", [(kind, message) for kind, messages in ALIKE.items() for message in messages])
def test_kind_of_the_last_clause(kind, message):
    assert kinds(message)[-1] == kind


@pytest.mark.parametrize("message, expected", FOREIGN + SEVERAL)
def test_kinds_of_several_clauses(message, expected):
    assert kinds(message) == expected
