"""Conversations from a teacher: kept only when the memories say what the conversation says; all others counted by reason."""

import json

import pytest

from mem0_slm import contract, io
from mem0_slm.engines import Answer, EngineError
from mem0_slm.text import unsaid
from pipeline.data import teacher


def answer(said, *memories, **more) -> str:
    turns = [said] if isinstance(said, str) else said
    messages = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(turns)]
    return json.dumps({"messages": messages, "memories": list(memories)} | more)


class ScriptedTeacher:
    """Stands in for an engine: gives the scripted answers in the order of the requests' seeds. An exception is raised."""

    def __init__(self, *script):
        self.script, self.asked, self.closed = script, [], False

    def generate(self, handle, messages, *, max_tokens, schema, temperature, seed):
        self.asked.append((messages, schema))
        said = self.script[seed - 100]
        if isinstance(said, Exception):
            raise said
        text, reason = said if isinstance(said, tuple) else (said, "stop")
        return Answer(text, reason, 1, 1, 0.0)

    def close(self, handle):
        self.closed = True


@pytest.fixture
def ask(monkeypatch):
    def ask(*script, repeats=lambda texts: None, mended=None):
        scripted = ScriptedTeacher(*script)
        monkeypatch.setattr(teacher, "load", lambda name: (scripted, "handle"))
        rows, counts = teacher.ask_teacher("ollama:big", len(script), ["food", "work"], 100, repeats, mended)
        assert scripted.closed and len(scripted.asked) == len(script)
        return rows, counts

    return ask


@pytest.mark.parametrize(
    "conversation, memory, reason",
    [
        ("user: my sister Ana is here", "User's sister is called Ana", None),
        ("user: my sister ana is here", "User has a sister, Ana", None),
        ("user: my sister is here", "User's sister is called Ana", "unstated_name"),
        ("user: I live near the sea", "User lives near the sea in Lisbon", "unstated_name"),
        ("user: Ana's cat", "Ana owns a cat", None),
        ("user: a cat", "Bo owns a cat", "unstated_name"),
        ("user: we meet on friday", "User meets on Friday", None),
        ("user: we meet soon", "User meets on Friday", "unstated_name"),
        ("user: I have 12 bees", "User has 12 bees", None),
        ("user: I have 112 bees", "User has 12 bees", "unstated_number"),
        ("user: it cost 3.50", "User paid 3.50", None),
        ("user: it cost 3.50", "User paid 3", "unstated_number"),
        ("user: I have two bees", "User has two bees", None),
        ("user: I have a few bees", "User has two bees", "unstated_number"),
        ('user: I read "The Old Well" twice', 'User has read "the old well"', None),
        ("user: I read a book", 'User has read "the old well"', "unstated_title"),
        ("user: an old thing, the well", 'User has read "the old well"', "unstated_title"),
        ("user: J'habite à Orléans", "User lives in Orléans", None),
    ],
)
def test_what_a_memory_states_must_have_been_said(conversation, memory, reason):
    found = unsaid(memory, conversation, any_capital=True)
    assert (f"unstated_{found[0].kind}" if found else None) == reason


@pytest.mark.parametrize(
    "text, finish, reason",
    [
        (answer("hi")[:-3], "length", "truncated"),
        ("Sure! Here it is", "stop", "wrong_form"),
        ("[]", "stop", "wrong_form"),
        (json.dumps({"messages": [{"role": "user"}], "memories": []}), "stop", "wrong_form"),
        (json.dumps({"messages": [], "memories": []}), "stop", "wrong_form"),
        (json.dumps({"messages": [{"role": "system", "content": "x"}], "memories": []}), "stop", "wrong_form"),
        (json.dumps({"messages": [{"role": "user", "content": "x"}], "memories": [3]}), "stop", "wrong_form"),
        (answer("x", " "), "stop", "wrong_form"),
        (json.dumps({"messages": [{"role": "assistant", "content": "x"}], "memories": []}), "stop", "no_user_turn"),
    ],
)
def test_an_answer_of_another_form_is_not_kept(text, finish, reason):
    assert teacher.judge(text, finish) == (None, reason)


def test_kept_answers_are_training_examples_and_all_others_are_counted_by_reason(ask):
    good = answer(["I keep 12 bees", "Lovely! Where?", "in Porto"], "User keeps 12 bees in Porto")
    rows, counts = ask(
        good,
        answer("hello there"),
        good,
        answer("I like tea", "User likes tea in Rome"),
        "no",
        (answer("x"), "length"),
        EngineError("gone"),
        answer("I met Zed", "User met Zed"),
        repeats=lambda texts: any("Zed" in text for text in texts),
    )
    none = dict.fromkeys(teacher.REASONS, 0)
    rejected = none | dict.fromkeys(
        ("duplicate", "unstated_name", "wrong_form", "truncated", "engine_error", "repeats_evaluation"), 1
    )
    assert counts == {"asked": 8, "kept": 2, "rejected": rejected}
    assert [row["messages"][-1]["content"] for row in rows] == [
        contract.dump(["User keeps 12 bees in Porto"]),
        contract.dump([]),
    ]
    assert rows[0]["messages"][:-1] == contract.prompt_for(
        "user: I keep 12 bees\nassistant: Lovely! Where?\nuser: in Porto\n"
    )
    assert {(row["kind"], row["from"]) for row in rows} == {("extraction", "teacher:ollama:big")}


def test_what_of_a_teachers_memories_may_be_taught_is_asked_last(ask):
    asked = []

    def mended(memories, turns):
        asked.append((memories, turns))
        return None if "maybe" in turns[0][1] else ["User keeps 12 bees in Porto"]

    rows, counts = ask(
        answer(["I keep 12 bees", "Where?", "in Porto"], "User has 12 bees in Porto"),
        answer("maybe I keep 12 bees", "User keeps 12 bees"),
        answer("I like tea", "User likes tea in Rome"),
        mended=mended,
    )
    assert [row["messages"][-1]["content"] for row in rows] == [contract.dump(["User keeps 12 bees in Porto"])]
    assert {reason: n for reason, n in counts["rejected"].items() if n} == {"refused_by_gate": 1, "unstated_name": 1}
    turns = [("user", "I keep 12 bees"), ("assistant", "Where?"), ("user", "in Porto")]
    assert (["User has 12 bees in Porto"], turns) in asked and len(asked) == 2


def test_a_teacher_that_never_answers_is_an_error(ask):
    with pytest.raises(
        io.DataError,
        match=r"generate_dataset.teacher: 'ollama:big' failed on each of 2 requests, the last with: out of memory",
    ):
        ask(EngineError("out of memory"), EngineError("out of memory"))


def test_a_server_that_is_not_there_is_named():
    name = "vllm:m@http://127.0.0.1:9/v1"
    with pytest.raises(io.DataError) as error:
        teacher.ask_teacher(name, 1, ["food"], 1, lambda texts: None)
    message = str(error.value)
    assert f"params.yaml: generate_dataset.teacher: {name!r}: " in message
    assert "no server answers at http://127.0.0.1:9/v1" in message
