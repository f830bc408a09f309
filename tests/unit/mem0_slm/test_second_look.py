"""What an extraction left out is asked for again: which sentences, what of the answer is kept, and what never is."""

import logging
import uuid

import pytest
from mem0 import Memory

from mem0_slm import answers, contract, engines, extraction, memory_config, stores, watch
from mem0_slm.engines import llama_cpp
from mem0_slm.second_look import clauses, missing_claims, new_facts, passages, with_quotes
from mem0_slm.text import unsaid


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


# --- inside Mem0 ---


@pytest.fixture
def asked(monkeypatch):
    """The model's answers by what is asked, in the engine's place; a list of what it was asked."""
    seen = []

    def use(told: dict):
        def generate(handle, messages, **how):
            seen.append(messages[1]["content"])
            answer = told[messages[1]["content"]]
            if isinstance(answer, Exception):
                raise answer
            return engines.Answer(contract.dump(answer), "stop", 40, 9, 0.0)

        monkeypatch.setattr(llama_cpp, "generate", generate)
        return seen

    return use


@pytest.fixture(scope="module")
def memory(base_gguf, tmp_path_factory):
    memory = Memory(
        memory_config(base_gguf, path=tmp_path_factory.mktemp("home"), options={"n_ctx": 512, "n_threads": 1})
    )
    yield memory
    stores.close(memory)


SAID = "I keep bees. The parrot is Kopernik."


def add(memory, **how):
    with watch() as events:
        results = memory.add(SAID, user_id=uuid.uuid4().hex, **how)["results"]
    return [r["memory"] for r in results], events


def test_mem0_stores_what_the_second_look_found(memory, asked):
    seen = asked({f"user: {SAID}": ["User keeps bees"], "user: The parrot is Kopernik.": ["User's parrot is Kopernik"]})
    memory.llm.counts.clear()
    stored, [event] = add(memory)
    assert sorted(stored) == ["User keeps bees", "User's parrot is Kopernik"] and len(seen) == 2
    assert (event.outcome, event.added, event.prompt_tokens, event.output_tokens) == ("stored", 1, 80, 18)
    assert answers.classify(event.answer).texts == ["User keeps bees"]  # the first answer, as the model gave it
    assert (memory.llm.counts["stored"], memory.llm.counts["added"]) == (1, 1)


def test_mem0_stores_the_quote_with_its_memory(memory, asked):
    said = 'My parrot is "Kopernik".'
    asked({f"user: {said}": ["User has a parrot"], 'My parrot is "Kopernik".': []})
    memory.llm.counts.clear()
    with watch() as events:
        results = memory.add(said, user_id=uuid.uuid4().hex)["results"]
    assert [r["memory"] for r in results] == [f'User has a parrot ("{said}")']
    assert events[0].quoted == memory.llm.counts["quoted"] == 1 and events[0].added == 0


def test_quotes_can_be_turned_off(memory, asked, monkeypatch):
    asked({"user: My parrot is Kopernik.": ["User has a parrot"]})
    monkeypatch.setattr(memory.llm.config, "quotes", False)
    assert [r["memory"] for r in memory.add("My parrot is Kopernik.", user_id=uuid.uuid4().hex)["results"]] == [
        "User has a parrot"
    ]


def test_a_second_look_that_fails_costs_nothing_of_the_first(memory, asked, caplog):
    caplog.set_level(logging.WARNING, "mem0_slm")
    asked({f"user: {SAID}": ["User keeps bees"], "user: The parrot is Kopernik.": engines.EngineError("gone")})
    memory.llm.counts.clear()
    stored, [event] = add(memory)
    assert stored == ["User keeps bees"] and (event.outcome, event.added) == ("stored", 0)
    assert event.failed_looks == memory.llm.counts["failed_looks"] == 1
    assert "second look: engine_error: gone" in caplog.text


def test_mem0s_own_prompt_gets_one_look():
    """Without the swap the prompt is not the compact one, and what the user said in it is not to be told from the rest."""
    assert (
        passages(
            [
                {"role": "system", "content": contract.PROMPT_HEAD},
                {"role": "user", "content": f"## New Messages\nuser: {SAID}\n"},
            ]
        )
        == []
    )


def test_it_can_be_turned_off(memory, asked, monkeypatch):
    seen = asked({f"user: {SAID}": ["User keeps bees"]})
    monkeypatch.setattr(memory.llm.config, "second_look", False)
    assert add(memory)[0] == ["User keeps bees"] and len(seen) == 1


def test_a_real_answer_is_completed(base_gguf):
    """With a real model: whatever it answers, nothing of the first look is lost and nothing unsaid is added."""
    handle = engines.shared_handle("llama_cpp", str(base_gguf), {"n_ctx": 512, "n_threads": 1})
    first = extraction.Event("stored", ("User keeps bees",), answer=contract.dump(["User keeps bees"]))
    event = extraction.look_again(first, "llama_cpp", handle, LONG, max_tokens=48, schema=contract.SCHEMA)
    assert event.memories[:1] == first.memories and event.output_tokens > 0
    assert all(unsaid(text, LONG[1]["content"]) == [] for text in event.memories)
