"""What is stored of what a model wrote: what follows, the user's own words in place of the rest, or nothing."""

import json

import pytest

from mem0_slm import contract
from mem0_slm.extraction import Event, gate
from mem0_slm.grounding import MEMORY_CHARACTERS, ground
from mem0_slm.own_words import MEMORY_WORDS


def user(*messages: str) -> list[tuple[str, str]]:
    """A conversation of the user's messages, each but the last answered."""
    turns = [turn for message in messages for turn in (("user", message), ("assistant", "I see."))]
    return turns[:-1]


def stored(said: str, *memories: str) -> list[str]:
    return list(ground(memories, user(said)).memories)


def test_what_follows_is_stored_as_the_model_wrote_it_with_its_evidence():
    said = "Hello! My cat Miso is deaf. Any toys for her?"
    found = ground(["User's cat Miso is deaf"], user(said))
    assert found.memories == ("User's cat Miso is deaf",)
    (statement,) = found.statements
    assert (statement.origin, statement.memory) == ("generated", 0)
    (span,) = statement.evidence
    assert said[span.start : span.end] == span.text == "My cat Miso is deaf"


@pytest.mark.parametrize(
    ("said", "wrong", "kept"),
    [
        ("i cant eat shellfish anymore", "User eats shellfish", "User can't eat shellfish anymore"),
        (
            "my mother-in-law broke her hip in May",
            "User's mother broke a hip",
            "User's mother-in-law broke her hip in May",
        ),
        ("my budget is about 900", "User's budget is 900 dollars", "User's budget is about 900"),
        (
            "I'm thinking of leaving my job at the mill",
            "User left the mill",
            "User is thinking of leaving User's job at the mill",
        ),
        ("the cook is called Des, I do the bar", "User's name is Des", "The cook is called Des; User does the bar"),
    ],
)
def test_where_it_does_not_follow_the_users_own_words_stand_in_its_place(said, wrong, kept):
    found = ground([wrong], user(said))
    assert found.memories == (kept,)
    assert [statement.origin for statement in found.statements] == ["own_words"] * len(found.statements)


def test_what_no_rule_turns_is_quoted():
    assert stored("we split the rent in Ghent three ways", "User splits the rent in Ghent") == [
        'User said "we split the rent in Ghent three ways"'
    ]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("can i swim after the second jab?", "User can swim after the second jab"),
        ("give me ten ideas for a quiz", "User gives ten ideas for a quiz"),
        ("act as a pirate called Bones and tell me of your ship", "User is a pirate called Bones"),
        ("let's say I won the lottery and bought an island", "User won the lottery and bought an island"),
        ("my wifi password is plum-4821-kettle", "User's wifi password is plum-4821-kettle"),
        ("Rewrite this: 'Dear Mr Holt, I am leaving the choir in May.'", "User is leaving the choir in May"),
        ("2026-01-04 12:00:03 ERROR worker 7 lost its database", "User lost their database"),
        ("good morning, how are you", "User is well in the morning"),
    ],
)
def test_of_what_was_not_asserted_nothing_is_stored(said, wrong):
    found = ground([wrong], user(said))
    assert found.memories == found.statements == ()
    assert found.dropped == (wrong,)


def test_the_assistants_words_are_no_evidence():
    turns = [("user", "my car rattles on the left"), ("assistant", "Usually a worn anti-roll bar."), ("user", "thanks")]
    assert ground(["User's car has a worn anti-roll bar"], turns).memories == ()


def test_an_answer_that_says_nothing_alone_comes_with_its_question():
    turns = [("user", "help me sell my car"), ("assistant", "Sure. Which car is it?"), ("user", "2014 skoda, diesel")]
    assert ground(["User's car is a 2014 Skoda, diesel"], turns).memories == (
        'Asked "Which car is it?", User said "2014 skoda, diesel"',
    )


def test_nothing_is_stored_both_as_a_fact_and_in_the_users_words():
    memories = ["User's cat Miso is deaf", "Miso the cat cannot hear, deaf"]
    assert stored("My cat Miso is deaf", *memories) == ["User's cat Miso is deaf"]


def test_what_the_model_left_out_of_a_stored_message_comes_beside_it():
    assert stored("My cat Miso is deaf. She weighs 4 kg.", "User's cat Miso is deaf") == [
        "User's cat Miso is deaf; She weighs 4 kg"
    ]


def test_a_model_that_stores_nothing_is_believed():
    assert stored("My cat Miso is deaf. I live in Ghent.") == []


def test_with_custom_instructions_nothing_is_added_to_what_the_model_chose():
    said = user("My cat Miso is deaf. I live in Ghent.")
    assert ground(["User lives in Ghent"], said, selective=True).memories == ("User lives in Ghent",)


def test_a_clause_that_points_back_is_stored_with_what_it_points_to_or_not_at_all():
    assert stored("What do I get my niece? She's 6 and loves newts.", "User's niece is 6 and loves newts") in (
        ["About User's niece: She's 6 and loves newts"],
        ["User's niece is 6 and loves newts"],
    )
    assert stored("Ok. That one was bigger.", "User's was bigger") == []


def test_what_is_taken_back_is_not_stored():
    memories = stored("We meet on Tuesday, no wait, I mean Wednesday.", "User meets on Tuesday")
    assert not any(memory == "User meets on Tuesday" for memory in memories)


@pytest.mark.parametrize(
    "said", ["我对花生过敏,住在成都。", "Ich habe zwei Kinder und wohne in Ulm.", "أنا أسكن في تونس مع زوجتي."]
)
def test_what_cannot_be_checked_is_kept_in_its_own_words(said):
    (memory,) = stored(said, "User is a broker and eats rice every day")
    assert said.rstrip("。.")[:12] in memory


def test_a_memory_has_a_bounded_length_whatever_was_said():
    said = ". ".join(f"My {n} goats live in barn {n} near Ghent and eat a lot of hay each day" for n in range(200))
    found = ground(["User's 3 goats live in barn 3"], user(said))
    assert found.memories
    assert all(len(m) <= MEMORY_CHARACTERS and len(m.split()) <= MEMORY_WORDS + 15 for m in found.memories)


@pytest.mark.parametrize("said", ["", " \n", "?", "\ud800", "a" * 50_000, "\u202e\u200b", "[" * 5_000])
def test_no_text_is_too_odd(said):
    assert ground(["User is a pilot"], user(said)).memories == ()


def test_an_agents_memory_is_kept_where_a_turn_holds_it():
    turns = [("user", "You are Pilchard, the booking assistant of a kayak school. Always ask for the weight first.")]
    kept = "Agent is configured to always ask for the weight first"
    found = ground([kept, "Agent is configured to sell boats in Malta"], turns, agent=True)
    assert kept in found.memories
    assert not any("Malta" in memory for memory in found.memories)


def test_the_event_says_what_mem0_is_given():
    messages = contract.prompt_for("user: My cat Miso is deaf. Is that normal?\n")
    event = gate(Event("stored", ("User's cat Miso is deaf", "User is normal")), messages)
    assert event.memories == ("User's cat Miso is deaf",)
    assert (event.outcome, event.own_words, event.dropped) == ("stored", 0, ("User is normal",))


def test_own_words_hold_nothing_that_utf_8_cannot():
    messages = contract.prompt_for("user: we split the rent in Ghent \ud83d three ways\n")
    (memory,) = gate(Event("stored", ("User splits the rent in Ghent",)), messages).memories
    assert memory == 'User said "we split the rent in Ghent \ufffd three ways"'


def test_an_event_of_which_nothing_is_left_stored_nothing():
    messages = contract.prompt_for("user: Is my cat deaf?\n")
    assert gate(Event("stored", ("User's cat is deaf",)), messages).outcome == "nothing"


def test_mem0_cuts_nothing_out_of_a_memory_that_quotes_a_thought():
    text = 'User said "I saw <think>hm</think> in the log"'
    answer = contract.for_mem0([text])
    assert "<think>" not in answer
    assert json.loads(answer) == {"memory": [{"text": text}]}


def test_the_turns_of_a_prompt_are_read_without_its_instructions():
    messages = contract.prompt_for("user: a\nb\nassistant: c\nuser: d\n", instructions="Only pets.")
    assert contract.roles_and_contents(messages) == [("user", "a\nb"), ("assistant", "c"), ("user", "d")]
