"""The chat's session, without a model."""

import contextlib
import types

import pytest

from mem0_slm.extraction import Event
from mem0_slm.grounding import Statement
from mem0_slm.own_words import Span
from page import cards, session
from page.evidence import evidence
from tests.app import settings


@pytest.mark.parametrize(
    ("told", "chat_model", "given"),
    [
        ("auto", "other.gguf", True),
        ("auto", "same.gguf", False),
        ("always", "same.gguf", True),
        ("never", "other.gguf", False),
    ],
)
def test_replies_go_to_mem0_unless_the_extractor_itself_wrote_them(told, chat_model, given):
    p = settings(extraction_model="same.gguf", chat_model=chat_model, remember_replies=told)
    assert p.replies_remembered is given
    turn = session.Turn("1", "I keep bees", reply="You keep wasps", state="done")
    assert [m["role"] for m in session._messages(turn, with_reply=p.replies_remembered)] == ["user", "assistant"][
        : 1 + given
    ]


SAID = [
    {"role": "user", "content": "I keep bees. Which hive?"},
    {"role": "assistant", "content": "Which do you have?"},
    {"role": "user", "content": "a Warre"},
]
BEES = Statement("User keeps bees", 0, (Span(0, 0, 11, "I keep bees"),), "generated")
HIVE = Statement(
    "Asked which: a Warre", 0, (Span(1, 0, 18, "Which do you have?"), Span(2, 0, 7, "a Warre")), "own_words"
)
OTHER = Statement("User swims", 1, (), "own_words")
EVENT = Event("stored", ("User keeps bees; Asked which: a Warre", "User swims"), statements=(BEES, HIVE, OTHER))


def test_the_evidence_of_a_memory_says_who_said_what():
    found = evidence(EVENT, EVENT.memories[0], SAID)
    assert found == [
        {
            "text": "User keeps bees",
            "origin": "generated",
            "said": [{"role": "user", "words": "I keep bees"}],
        },
        {
            "text": "Asked which: a Warre",
            "origin": "own_words",
            "said": [
                {"role": "assistant", "words": "Which do you have?"},
                {"role": "user", "words": "a Warre"},
            ],
        },
    ]
    assert evidence(EVENT, "User sails", SAID) == []
    card = cards._evidence({"evidence": found})
    assert "<dt>User keeps bees</dt><dd>Put into words by the model. You said:<q>I keep bees</q></dd>" in card
    assert "In your own words. The assistant said:<q>Which do you have?</q>You said:<q>a Warre</q>" in card
    assert "<dt>" not in cards._evidence({"evidence": found[:1]}), "one statement is the memory itself"
    assert cards._evidence({"evidence": []}) == ""


def test_evidence_goes_beside_its_memory_and_a_store_that_fails_loses_only_that(tmp_path, monkeypatch, caplog):
    written = {}

    def update(id, payload):
        if id == "b":
            raise OSError("full")
        written[id] = payload

    results = [{"id": "a", "memory": EVENT.memories[0]}, {"id": "b", "memory": EVENT.memories[1]}]
    memory = types.SimpleNamespace(
        add=lambda *_, **__: {"results": results}, vector_store=types.SimpleNamespace(update=update)
    )
    monkeypatch.setattr(session, "watch", lambda: contextlib.nullcontext([EVENT]))
    chat = session.Chat(memory, "llama_cpp", None, tmp_path)
    try:
        turn = session.Turn("1", SAID[0]["content"])
        chat._add("ana", turn, SAID)
    finally:
        chat.close()
    assert turn.added == "stored" and turn.stored == [*EVENT.memories]
    assert written == {"a": {"evidence": evidence(EVENT, EVENT.memories[0], SAID)}}
    assert "the evidence of a memory could not be written" in caplog.text
