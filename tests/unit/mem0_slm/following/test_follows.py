"""A statement follows from what was said if it is that, word for word, in third person."""

import pytest

from mem0_slm.following.follows import follows, says_all
from mem0_slm.following.forms import forms

FOLLOWS = [
    ("User has two kids, 4 and 7", "I have two kids, 4 and 7"),
    ("User has 2 kids", "i have two kids"),
    ("User lives in Delft and works as a nurse", "i live in delft and work as a nurse"),
    ("User does not eat fish", "i dont eat fish"),
    ("User doesn't eat fish", "I do not eat fish"),
    ("User can't swim", "i cant swim"),
    ("User's dog is called Rex", "my dog's called Rex"),
    ("User's dog is named Rex", "My dog is called Rex"),
    ("User's choir meets on Saturdays at 9:20 pm", "our choir meets Saturdays at 9:20 pm"),
    ("User has an erg in the garage they use every Sunday", "I have an erg in the garage I use every Sunday."),
    ("User teaches chemistry", "I teach chemistry btw"),
    ("User studies law", "ok so i study law"),
    ("User's brother won't take his lithium", "my brother will not take his lithium"),
    ("User's mother says she hates it", "my mum says she hates it"),
    ("User is going to sell the car", "im gonna sell the car"),
    ("User's rent is £900", "my rent is £900"),
]
DOES_NOT = [
    ("polarity", "User eats fish", "i dont eat fish"),
    ("polarity", "User wants nightmares", "no ghost films please, they give me nightmares"),
    ("kin", "User's mother lives in Lyon", "my mother in law lives in Lyon"),
    ("number of kin", "User's sisters live in Ghent", "my sister's live in Ghent"),
    ("subject", "User hates it", "my wife hates it"),
    ("owner", "User's flat is damp", "her flat is damp"),
    ("owner", "User's friend lost their keys", "my friend lost his keys"),
    ("quantity", "User's budget is 900", "my budget is about 900"),
    ("unit", "User's rent is 900 dollars", "my rent is 900"),
    ("planned as done", "User sold the car", "I'm going to sell the car"),
    ("considered as done", "User quit their job", "I'm thinking of quitting my job"),
    ("middle left out", "User broke a wrist in May", "I broke a wrist skating and had the cast off in May"),
    ("several", "User is making 60 lanterns", "we're making 60 lanterns"),
    ("several", "User splits the rent", "we split the rent"),
    ("condition left out", "User lives in Leeds", "I live in Leeds, if the job works out"),
    ("exception left out", "User eats meat", "I eat meat, except pork"),
    ("half", "User works between 4", "I work between 4 and 6"),
    ("invented", "User loves chemistry and physics", "I love chemistry"),
    ("other verb", "User likes chemistry", "I teach chemistry"),
    ("tense", "User had a boat", "I have a boat"),
    ("name added", "User's dog Rex is old", "my dog is old"),
    ("adjective as the user's", "User is coeliac", "coeliac lady in row 3"),
]


@pytest.mark.parametrize(("statement", "said"), FOLLOWS)
def test_the_same_in_third_person_follows(statement, said):
    assert follows(statement, said)
    assert says_all(statement, said)


@pytest.mark.parametrize(("kind", "statement", "said"), DOES_NOT)
def test_what_differs_in_anything_does_not(kind, statement, said):
    assert not follows(statement, said), kind


def test_a_beginning_follows_but_does_not_say_all():
    said = "I live in Leeds, near the park"
    assert follows("User lives in Leeds", said)
    assert not says_all("User lives in Leeds", said)


def test_forms_are_the_same_for_short_and_long_and_for_speaker_and_user():
    assert forms("I don't") == forms("User do not") == ["user", "do", "not"]
    assert forms("my sister's cat") == ["user's", "sister", "'s", "cat"]
    assert forms("£1,200 a month") == ["£1,200", "a", "month"]


@pytest.mark.parametrize("text", ["", " ", "?!", "我住在成都", "a" * 10_000, "user " * 5_000])
def test_any_text_can_be_compared(text):
    assert follows(text, "I live in Leeds") is False
    assert follows("User lives in Leeds", text) is False
