"""What training teaches to store is what was said: statements that are not are repaired or left out, and counted."""

import pytest

from mem0_slm.io import DataError
from pipeline.data.checked_targets import Said, checked, taught
from pipeline.data.frames import Frame


def user(*said: str) -> list[tuple[str, str]]:
    return [("user", text) for text in said]


def frame(*memories, said="My gecko {pet} is {n} and bites on {weekday}s. Is that usual?", **more) -> Frame:
    return Frame("pets", user(said), list(memories), **({"place": "pets.txt:3"} | more))


TRUE = "User's gecko {pet} is {n} and bites on {weekday}s"


@pytest.mark.parametrize(
    "statement, said, kind",
    [
        ("User moved to Leeds in May", "I moved to Leeds in May.", "true"),
        ("User moved to Leeds in May", "I moved to Leeds in May, and my wife hates it.", "true"),
        ("User moved home to Leeds in May", "I moved to Leeds in May.", "repaired"),
        ("User moved to Leeds", "Should I have moved to Leeds?", "refused"),
        ("User plays the oboe", "I moved to Leeds in May.", "refused"),
        ("User has two cats", "two cats", "verbless"),
    ],
)
def test_what_a_statement_is_worth(statement, said, kind):
    assert Said(user(said)).judged(statement).kind == kind


def test_an_answer_is_a_fragment_and_is_taught_as_it_was_written():
    turns = [("user", "find me wiper blades"), ("assistant", "Which car do you have?"), ("user", "1998 Fiat Panda")]
    assert taught(["User's car is a 1998 Fiat Panda"], turns, strict=True) == (
        ["User's car is a 1998 Fiat Panda"],
        {"verbless": 1},
    )


def test_in_place_of_a_paraphrase_the_users_own_clause_is_taught():
    texts, kinds = taught(["User moved home to Leeds in May"], user("I moved to Leeds in May. Is it damp?"))
    assert (texts, kinds) == (["User moved to Leeds in May"], {"repaired": 1})


def test_a_clause_that_points_back_comes_with_the_one_before():
    said = user("My pony Ida is nine. She has laminitis.")
    assert taught(["User's pony Ida suffers from laminitis"], said)[0] == ["User's pony Ida is nine. She has laminitis"]


def test_no_clause_is_taught_twice():
    said = user("My gecko Ida lives in the airing cupboard.")
    wanted = ["User has a gecko called Ida", "User's gecko Ida sleeps in the airing cupboard"]
    assert taught(wanted, said)[0] == ["User's gecko Ida lives in the airing cupboard"]


def test_a_clause_that_loses_a_name_takes_no_statements_place():
    """The clause says "her" of one named before; the statement that names her is taught as it was written."""
    said = user("My pony is called Ida. I like oats. I like hay. I like figs. I groom her on Sundays.")
    statement = "User brushes their pony Ida on Sundays"
    assert taught([statement], said) == ([statement], {"unsure": 1})
    assert taught([statement], said, strict=True) == (None, {"unsure": 1})


def test_a_clause_that_says_less_takes_no_statements_place():
    said = user("I have no siblings, and no idea what to do with my evenings.")
    statement = "User lacks siblings, hobbies, pets and an idea for the evenings"
    assert taught([statement], said)[0] == [statement]


def test_a_statement_that_the_gate_puts_in_its_own_place_is_not_repaired():
    said = user("The boy next door wants to be a falconer. I gave him my old gauntlets.")
    statements = ["The boy next door wants to be a falconer", "User gave him User's old gauntlets"]
    assert taught(statements, said) == (statements, {"true": 2})


def test_a_conversation_with_a_refused_statement_is_left_out_whatever_else_it_says():
    said = user("I moved to Leeds in May. Should I get a cat?")
    assert taught(["User moved to Leeds in May", "User should get a cat"], said) == (None, {"true": 1, "refused": 1})


def test_nothing_to_store_stays_so():
    assert taught([], user("Should I get a cat?")) == ([], {})


def test_frames_keep_their_slots_and_are_counted_by_file():
    untrue, asked = frame("User keeps a gecko, {pet}"), frame("User bites", said="Do I bite?", place="cats.txt:1")
    [first, second], counts = checked([[frame(TRUE), untrue], [asked]], 1)
    assert (first, second) == ([frame(TRUE), frame(TRUE)], [])
    assert counts == {
        "targets_checked": {"cats.txt": 1, "pets.txt": 2},
        "targets_repaired": {"pets.txt": 1},
        "targets_unjudged": {},
        "examples_left_out_by_gate": {"cats.txt": 1},
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_value_that_begins_a_statement_becomes_its_slot_again(seed):
    """A date may begin with a small letter ("the 17th of May"), a sentence with a capital."""
    [[found]], _ = checked([[frame("User's wedding: {date}", said="{date} is my wedding")]], seed)
    assert found.memories == ["{date} is User's wedding"]


@pytest.mark.parametrize(
    "unchecked",
    [
        frame("Agent is a lizard", agent=True),
        frame("User has a lizard", instructions="Store animals only."),
        frame(said="a lizard?"),
    ],
)
def test_agents_custom_instructions_and_what_stores_nothing_are_not_checked(unchecked):
    (found,), counts = checked([[unchecked]], 1)
    assert found == [unchecked]
    assert counts["targets_checked"] == {}


def test_known_memories_do_not_matter_and_all_is_to_be_stored():
    known = frame(TRUE, known=("User has a gecko",), superfluous=frozenset([TRUE]))
    [[found]], _ = checked([[known]], 1)
    assert (found.wanted, found.known) == ([TRUE], known.known)


def test_a_value_that_cannot_be_told_from_the_words_is_an_error_with_the_place():
    every = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
    with pytest.raises(DataError, match="pets.txt:3: no values found for its slots"):
        checked([[frame("User rests on {weekday}", said=f"{every}: I rest on {{weekday}}")]], 1)
