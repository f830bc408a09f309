"""What an extraction left out is asked for again: which sentences, what of the answer is kept, and what never is."""

import pytest

from mem0_slm import contract, extraction
from mem0_slm.second_look import clauses, missing_claims, new_facts, passages, with_quotes


def prompt(*turns: str, **how) -> list[dict]:
    return contract.prompt_for("".join(f"{turn}\n" for turn in turns), **how)


LONG = prompt("user: I keep bees. The parrot is Kopernik, and I drive bus 7! Any tips?")


# --- what can be asked for again ---


def test_sentences_then_their_clauses():
    assert passages(LONG) == [
        ["I keep bees."],
        ["The parrot is Kopernik, and I drive bus 7!", "The parrot is Kopernik", "and I drive bus 7!"],
        ["Any tips?"],
    ]


@pytest.mark.parametrize(
    "sentence, found",
    [
        ("My sister Mia teaches maths in Bergen", []),
        (
            "I moved to Oslo for a job and my sister Mia teaches",
            ["I moved to Oslo for a job", "and my sister Mia teaches"],
        ),
        ("I owe Bo £19,800: he said by the 28th", ["I owe Bo £19,800", "he said by the 28th"]),
        ("I sing with Mia and Ben", ["I sing with Mia"]),  # "and Ben" says nothing by itself
        ("hall in Pigeon, stairs in Timeless, satin", ["hall in Pigeon", "stairs in Timeless"]),
    ],
)
def test_clauses_that_say_something_by_themselves(sentence, found):
    assert clauses(sentence) == found


def test_only_what_the_user_said_counts():
    messages = prompt("user: I keep bees", "assistant: Try Apivar from 12 October.", "user: My vet is Dr Bo")
    assert passages(messages) == [["I keep bees"], ["My vet is Dr Bo"]]


def test_of_what_was_all_only_clauses_are_asked_again():
    assert passages(prompt("user: The parrot is Kopernik")) == [[]]
    assert passages(prompt("user: The parrot is Kopernik, and I drive bus 7")) == [
        ["The parrot is Kopernik", "and I drive bus 7"]
    ]


def test_custom_instructions_and_agents_decide_for_themselves():
    said = "user: I keep bees. The parrot is Kopernik."
    assert passages(prompt(said, instructions="Store nothing about birds")) == []
    assert passages(prompt(said, agent=True)) == []


@pytest.mark.parametrize(
    "sentence, held, left",
    [
        ("See you on Wednesdays", "on Wednesday", []),
        ("I owe Bo 42", "User owes Bo 4,242", ["42"]),
        ("It's 5kg", "5 kg", []),
    ],
)
def test_a_name_may_be_bent_and_a_number_may_not(sentence, held, left):
    assert missing_claims(sentence, [held]) == left


# --- what is kept ---


@pytest.mark.parametrize(
    "answer, kept",
    [
        (["User's parrot is Kopernik"], ["User's parrot is Kopernik"]),
        (
            ["User has a parrot; User's parrot is Kopernik"],
            ["User's parrot is Kopernik"],
        ),  # the first part brings nothing new
        (
            ["User's parrot is Kopernik", "Kopernik is User's parrot"],
            ["User's parrot is Kopernik"],
        ),  # nor does the second memory
        (["User's parrot Kopernik is 12"], []),  # nobody said 12
        ([], []),
    ],
)
def test_only_what_is_new_and_was_said_is_kept(answer, kept):
    assert new_facts("The parrot is Kopernik", answer, ["User keeps bees"]) == kept


# --- what is quoted ---


@pytest.mark.parametrize(
    "said, memory, quoted",
    [
        (
            "Torn meniscus, left knee, no squash",
            "User has a torn knee and plays no squash",
            True,
        ),  # "meniscus" is in no memory
        ("I breed Silkie bantams", "User breeds silkie bantams", False),  # inflection and case aside it is all there
        ("I owe Bo 42 kronor", "User owes Bo 4 kronor", True),  # a number counts, however short, and only as a whole
        ("I own a cat", "User owns a dog", False),  # words of fewer than five letters do not count
        ("Any tips for a beginner?", "User keeps bees", False),  # nothing of it was worth storing
        ("I hoard stamps " + "and " * 58, "User hoards coins", False),  # 61 words: pasted, or no sentence
        ("I hoard stamps " + "and " * 57, "User hoards coins", True),
    ],
)
def test_a_sentence_that_is_held_in_part_is_quoted(said, memory, quoted):
    assert with_quotes(prompt(f"user: {said}"), [memory]) == [f'{memory} ("{said.strip()}")' if quoted else memory]


def test_each_sentence_is_quoted_once_behind_the_memory_that_has_most_of_it():
    said = "I breed bantams. Rain again! I breed bantams. My bantams won a trophy. My parrot won nothing."
    memories = ["User breeds poultry", "User's bantams won", "User has a parrot"]
    assert with_quotes(prompt(f"user: {said}"), memories) == [
        "User breeds poultry",
        'User\'s bantams won ("My bantams won a trophy.")',
        'User has a parrot ("My parrot won nothing.")',
    ]


def test_what_the_assistant_said_is_never_quoted():
    memories = ["User breeds bantams"]
    assert with_quotes(prompt("user: I breed bantams", "assistant: Try bantams from Bergen."), memories) == memories


def test_custom_instructions_and_agents_decide_over_quotes_too():
    said, memories = "user: I breed Silkie bantams in Bergen", ["User breeds bantams"]
    assert with_quotes(prompt(said), memories) != memories
    assert (
        with_quotes(prompt(said, instructions="Store nothing about places"), memories)
        == with_quotes(prompt(said, agent=True), memories)
        == memories
    )


def test_where_nothing_is_stored_nothing_is_quoted():
    """The model's decision to store nothing stands, and what failed is reported as failed."""
    for event in (
        extraction.Event("nothing"),
        extraction.Event("engine_error", error="gone"),
        extraction.Event("truncated", ("User breeds hens",)),
    ):
        assert extraction.quote(event, prompt("user: I breed Silkie hens")) == event


# --- what is asked, in order ---


@pytest.mark.parametrize(
    "first, told, wanted, looks",
    [
        (["User keeps bees; User's parrot is Kopernik; User drives bus 7"], {}, [], []),
        (
            ["User keeps bees"],
            {"The parrot is Kopernik, and I drive bus 7!": ["User's parrot is Kopernik; User drives bus 7"]},
            ["User's parrot is Kopernik", "User drives bus 7"],
            [0],
        ),
        (
            ["User keeps bees"],
            {
                "The parrot is Kopernik, and I drive bus 7!": ["User's parrot is Kopernik"],
                "and I drive bus 7!": ["User drives bus 7"],
            },
            ["User's parrot is Kopernik", "User drives bus 7"],
            [0, 1],  # of the clauses only the one that holds what is missing
        ),
        (
            ["User keeps bees"],
            {"The parrot is Kopernik, and I drive bus 7!": []},
            [],
            [0],
        ),  # nothing to store, nor in its clauses
        ([], {}, [], []),  # the decision to store nothing stands
    ],
)
def test_a_passage_is_asked_for_when_no_memory_holds_its_names_and_numbers(asked, first, told, wanted, looks):
    seen = asked({f"user: {passage}": answer for passage, answer in told.items()})
    event = extraction.Event("stored" if first else "nothing", tuple(first))
    found = extraction.look_again(event, "llama_cpp", None, LONG, max_tokens=48, schema=None)
    assert found.memories == (*first, *wanted)
    assert seen == [f"user: {list(told)[i]}" for i in looks]


def test_mem0s_own_prompt_gets_one_look():
    """Without the swap the prompt is not the compact one, and what the user said in it is not to be told from the rest."""
    assert (
        passages(
            [
                {"role": "system", "content": contract.PROMPT_HEAD},
                {"role": "user", "content": "## New Messages\nuser: I keep bees. The parrot is Kopernik.\n"},
            ]
        )
        == []
    )
