"""What a question or request tells in passing may be stored; what the question depends on may not."""

import pytest

from mem0_slm.said.clauses import clauses

TOLD = [
    ("is that bad, my pulse was 110 at the last check", "my pulse was 110 at the last check"),
    ("can you suggest a tent because we have two toddlers", "we have two toddlers"),
    ("what can I bake for my niece who is coeliac and hates nuts?", "my niece who is coeliac and hates nuts"),
    ("could u check: bus leaves 14:05 from Ghent. enough?", "bus leaves 14:05 from Ghent"),
    (
        "how do I rehome my late uncle's collection of 400 stamps?",
        "my late uncle's collection of 400 stamps",
    ),
    ("suggest a fair rota: 16 of us, the cook can't do nights", "the cook can't do nights"),
    ("need a tent for two, leaving on Friday", "need a tent for two, leaving on Friday"),
]
NOT_TOLD = [
    "should I quit if I'm pregnant, I have no savings then?",
    "do you think I'm late and I have no chance?",
    "am i late?",
    "so I'm fine?",
    "im pregnant?",
    "is my cat ok",
    "write an email saying I'm sick, I have flu",
    "write a story, my dog can talk and I'm a wizard",
    "if we go, the dinner is for 12, what do I cook",
    "could you say that I am 40 and live in Rome?",
]


@pytest.mark.parametrize(("message", "told"), TOLD)
def test_what_a_question_tells_is_taken_with_its_place(message, told):
    found = [clause for clause in clauses([("user", message)]) if clause.storable]
    assert told in [clause.text for clause in found]
    assert all(message[clause.start : clause.end] == clause.text for clause in found)


@pytest.mark.parametrize("message", NOT_TOLD)
def test_what_a_question_depends_on_is_not(message):
    assert [clause.text for clause in clauses([("user", message)]) if clause.storable] == []
