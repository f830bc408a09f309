"""Messages in clauses: where one ends, what stays together, which question an answer has, and what a message sets up."""

import time

import pytest

from mem0_slm.said.clauses import KINDS, STORABLE, clauses


def found(*turns):
    """Clauses of the user's turns in a dialogue, of which the last turn is the user's."""
    roles = ["user" if (len(turns) - i) % 2 else "assistant" for i in range(len(turns))]
    result = clauses(list(zip(roles, turns)))
    for clause in result:
        assert clause.text == turns[clause.turn][clause.start : clause.end]
        assert clause.kind in KINDS and clause.storable == (clause.kind in STORABLE)
    return result


def texts(message):
    return [clause.text for clause in found(message)]


APART = [
    # comma splices of a chat
    ("LDL is 4.9, everything else is fine", ["LDL is 4.9", "everything else is fine"]),
    ("im vegan, my kids arent", ["im vegan", "my kids arent"]),
    ("Hello, my name is Farida, I'm a dentist", ["Hello", "my name is Farida", "I'm a dentist"]),
    ("a friend of mine is losing his hair, he's 25", ["a friend of mine is losing his hair", "he's 25"]),
    # conjunctions
    ("I moved to Leeds in May and my wife hates it", ["I moved to Leeds in May", "my wife hates it"]),
    ("im dyslexic so i do everything by voice", ["im dyslexic", "i do everything by voice"]),
    ("I don't own a car but my son does the driving", ["I don't own a car", "my son does the driving"]),
    # sentences; numbers, abbreviations, times and addresses do not end one
    ("She's 8. She loves octopuses", ["She's 8", "She loves octopuses"]),
    (
        "Dr. Okafor, room 3.118, sees me at 7.30 a.m. on Mondays",
        ["Dr. Okafor, room 3.118, sees me at 7.30 a.m. on Mondays"],
    ),
    ("my site is on www.oak.example. I sell bows", ["my site is on www.oak.example", "I sell bows"]),
    ("it's catalogue no. 41, not for sale", ["it's catalogue no. 41, not for sale"]),
    ("no. But I am raising money", ["no", "I am raising money"]),
    ("so... I moved out... it was in May", ["so", "I moved out", "it was in May"]),
    ("- I have a cat\n- we live in Porto", ["I have a cat", "we live in Porto"]),
    ("1. I wake up at 6\n2. I feed the hens", ["I wake up at 6", "I feed the hens"]),
    ("My clock stands in the vestry; it leaks there", ["My clock stands in the vestry", "it leaks there"]),
    # questions and orders inside a sentence
    ("I'm 14 weeks along, is sushi ok?", ["I'm 14 weeks along", "is sushi ok?"]),
    ("im on warfarin is cranberry juice safe", ["im on warfarin", "is cranberry juice safe"]),
    ("my brother turns 30 on the 4th so I need an idea", ["my brother turns 30 on the 4th", "I need an idea"]),
    ("write a haiku about rust, it's for my allotment", ["write a haiku about rust", "it's for my allotment"]),
    ("can i swim after, i have grommets", ["can i swim after", "i have grommets"]),
    # leads, which belong to no clause
    ("fyi my budget is 600", ["my budget is 600"]),
    ("ok so I live alone", ["I live alone"]),
    ("I told you I'm lactose intolerant!!", ["I'm lactose intolerant"]),
    ("please remember my daughter's name is Io", ["my daughter's name is Io"]),
    # a condition that is a clause of its own
    ("Nadia moves out and if I find nobody I pay double", ["Nadia moves out", "if I find nobody I pay double"]),
]


@pytest.mark.parametrize("message, expected", APART)
def test_what_stands_apart(message, expected):
    assert texts(message) == expected


TOGETHER = [
    # its sense would change by itself
    "I don't eat fish or meat",
    "the woman who lives upstairs plays the drums",
    "my wife, who is a nurse, needs vaccinations",
    "my wife, a nurse, works in A&E",
    "not vegan but veggie",
    "I thought it was measles but it's only a rash",
    "I used to be a chef but now I drive a bus",
    "I was going to be a chef but I hated it",
    "It's not that I hate him, I just need space",
    "if i get the job, we move to Leeds and my wife quits",
    "i have to leave in june unless my visa comes through",
    "my husband cleans, because i cook",
    "although i cook, my husband complains",
    "when I was 12 we moved to Kenya",
    "I moved so I could study",
    # whose word it is
    "my doctor says i should rest and i should drink more",
    "my mum thinks I work at the bank and she tells everyone",
    "my neighbour says i'm allergic but i'm not",
    # a list, a pair
    "we keep two goats, a donkey and nine hens",
    "my boyfriend and I have been together since 2016",
    "In May I sold the van, in Leeds",
    "call the vet, the bank and my mum",
    "Great-uncle Piet left me his banjo",
    "the move was hard so the dietitian, Ida, put me at 1,650 with quark",
    "I've got the twins until then",
    # a question with what it is about
    "as a nurse, what vaccinations do I need",
    "how worried should i be",
    "teachers in Finland earn how much",
]


@pytest.mark.parametrize("message", TOGETHER)
def test_what_stays_together(message):
    assert texts(message) == [message]


def test_places_count_sentences_and_turns():
    result = found("I'm Jo. I live in Hull", "Nice.", "my dad is 80, he rows")
    assert [(c.turn, c.sentence, c.start) for c in result] == [(0, 0, 0), (0, 1, 8), (2, 2, 0), (2, 2, 14)]


ANSWERS = [
    # question, answer, which of its clauses have the question
    ("Nice. Which car do you drive?", "2014 skoda octavia, diesel", [True]),
    ("Have you been before?", "yes, twice", [True, True]),
    ("Any constraints?", "yes, my mother uses a wheelchair", [True, False]),
    ("What's your dog called?", "it's Pim", [True]),
    ("Are you a student?", "I am", [True]),
    ("Since when?", "since March. My knee is better now, thanks to the physio", [True, False]),
    ("Ska?", "Balkan brass, and the room's under a carpet shop", [False]),
    ("How can I help?", "what does sonder mean", [False]),
    ("Noted.", "2014 skoda octavia, diesel", [False]),
]


@pytest.mark.parametrize("question, answer, expected", ANSWERS)
def test_answers_have_their_question(question, answer, expected):
    last = question.split(". ")[-1]
    assert [c.asked for c in found(question, answer)] == [last if asked else "" for asked in expected]


def test_only_the_turn_before_is_answered():
    assert [c.asked for c in found("Which car?", "ok", "Fine.", "2014 skoda")][-1] == ""


def kinds(*turns):
    return [clause.kind for clause in found(*turns)]


def test_a_part_is_played_until_it_ends():
    dialogue = ("You are now a medieval innkeeper. I'm the knight.", "Welcome!", "I seek the dragon", "Ah!")
    assert kinds(*dialogue, "my village burned down")[2:] == ["unreal", "unreal"]
    assert kinds(*dialogue, "haha ok, in real life I'm a nurse")[-1] == "statement"


def test_a_game_is_no_life():
    assert kinds("let's play 20 questions", "Is it alive?", "yes") == ["unreal", "small_talk"]


def test_a_made_up_story_goes_on_with_its_answers():
    assert kinds("write me a story", "About what?", "a fox called Remy who lives in Lyon") == ["request", "unreal"]
    assert kinds("help me plan a party", "For whom?", "my sister, she is 40") == ["request", "statement"]


def test_what_follows_a_supposition_is_supposed():
    assert kinds("imagine i had a yacht. i quit my job. how long would it last") == ["unreal", "unreal", "question"]
    assert kinds("what if I moved? I'm a nurse with 12 years experience") == ["question", "statement"]
    assert kinds("I would have gone but my leg was broken") == ["unreal", "statement"]
    assert kinds("I wish I had a dog, it sleeps on my bed") == ["unreal", "unreal"]


def test_a_secret_takes_the_value_that_stands_alone():
    assert kinds("password:\nhunter2X!\nmy dog is Rex") == ["secret", "secret", "statement"]
    assert kinds("my garage code is 4471 and my dog is called Rex") == ["secret", "statement"]


def test_what_is_too_long_is_not_typed_by_the_speaker():
    assert kinds("I like " + "very " * 80 + "old trains") == ["pasted"]
    assert kinds("I like " + "x" * 450) == ["pasted"]


def test_the_agents_clauses():
    turns = [("user", "I'm Jo"), ("assistant", "I moved the physio to Tuesday.")]
    assert [(c.turn, c.text) for c in clauses(turns, "assistant")] == [(1, "I moved the physio to Tuesday")]


@pytest.mark.parametrize(
    "unit", ["I like my dog and my cat. ", "a,", '"', "(", "?", "\n", "x", "if ", "and i ", "我喜欢"]
)
def test_time_grows_with_the_length_only(unit):
    started = time.process_time()
    clauses([("user", (unit * 100_000)[:100_000])])
    assert time.process_time() - started < 3  # a tenth of that by itself; other processes share the machine


def test_nothing_said():
    assert clauses([]) == [] == clauses([("user", ""), ("user", " \n"), ("assistant", "Hi")])
