"""Messages in clauses: where each stands, and whether it tells something that may be stored."""

import pytest

from mem0_slm.clauses import clauses


def said(message, before=""):
    turns = ([("assistant", before)] if before else []) + [("user", message)]
    found = clauses(turns)
    assert all(clause.text == turns[clause.turn][1][clause.start : clause.end] for clause in found)
    return [(clause.kind, clause.text) for clause in found]


SPLIT = [
    # what stands apart
    ("LDL is 4.9, everything else is fine", ["LDL is 4.9", "everything else is fine"]),
    ("im vegan, my kids arent", ["im vegan", "my kids arent"]),
    ("I moved to Leeds in May and my wife hates it", ["I moved to Leeds in May", "my wife hates it"]),
    # what would change its sense by itself stays together
    ("I don't eat fish or meat", ["I don't eat fish or meat"]),
    ("the woman who lives upstairs plays the drums", ["the woman who lives upstairs plays the drums"]),
    ("I thought it was measles but it's only a rash", ["I thought it was measles but it's only a rash"]),
    ("if i get the job, we move to Leeds and my wife quits", ["if i get the job, we move to Leeds and my wife quits"]),
    ("my doctor says i should rest and i should drink more", ["my doctor says i should rest and i should drink more"]),
]


@pytest.mark.parametrize("message, texts", SPLIT)
def test_clauses_of_a_message(message, texts):
    assert [text for _, text in said(message)] == texts


KINDS = [
    ("I'm 14 weeks along, is sushi ok?", [("statement", "I'm 14 weeks along"), ("question", "is sushi ok?")]),
    ("can i swim after", [("question", "can i swim after")]),
    ("Remember that I never eat pork.", [("statement", "I never eat pork")]),
    ("never use emojis", [("standing_request", "never use emojis")]),
    ("call me Jo", [("standing_request", "call me Jo")]),
    ("call me back later", [("request", "call me back later")]),
    ("dont let me forget the dentist on monday", [("request", "dont let me forget the dentist on monday")]),
    ("act as a pirate. I am your captain.", [("unreal", "act as a pirate"), ("unreal", "I am your captain")]),
    ("nut allergy, severe", [("fragment", "nut allergy, severe")]),
    ("ugh so tired today lol", [("small_talk", "so tired today lol")]),
]


@pytest.mark.parametrize("message, expected", KINDS)
def test_kinds_of_a_message(message, expected):
    assert said(message) == expected


def test_an_answer_has_its_question():
    turns = [("assistant", "Nice. Which car do you drive?"), ("user", "2014 skoda octavia, diesel. I love it to bits")]
    assert [clause.asked for clause in clauses(turns)][0] == "Which car do you drive?"
