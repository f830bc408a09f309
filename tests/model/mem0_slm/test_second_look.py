"""The second look inside the real Mem0: what is stored, counted and left alone."""

import logging
import uuid

import pytest
from mem0 import Memory

from mem0_slm import answers, contract, engines, extraction, memory_config, stores, watch
from mem0_slm.text import unsaid

SAID = "I keep bees. The parrot is Kopernik."
LONG = contract.prompt_for("user: I keep bees. The parrot is Kopernik, and I drive bus 7! Any tips?\n")


@pytest.fixture(scope="module")
def memory(base_gguf, tmp_path_factory):
    memory = Memory(
        memory_config(base_gguf, path=tmp_path_factory.mktemp("home"), options={"n_ctx": 512, "n_threads": 1})
    )
    yield memory
    stores.close(memory)


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
