"""The chat's session with the real base model and real Mem0."""

import dataclasses
import threading

import pytest

from page import session
from page.names import ChatError
from tests.waiting import PATIENCE, until


class Gate:
    """Keeps replies from being written until it is open, and notes the history that each was asked for with."""

    def __init__(self, chat):
        self.histories, self.generate = [], chat._generate
        self._open = threading.Event()
        chat._generate = self

    def __call__(self, message, memories, history, take):
        self.histories.append(history)
        assert self._open.wait(PATIENCE)
        self.generate(message, memories, history, take)

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def chat(tmp_path, base_gguf):
    from mem0 import Memory

    from mem0_slm.memory import memory_config
    from mem0_slm.stores import close

    # one thread: two wait for each other at every step, which takes a minute beside other work on the same processors
    options = {"n_ctx": 1024, "n_parallel": 2, "n_threads": 1}
    memory = Memory(memory_config(base_gguf, path=tmp_path, max_tokens=24, options=options))
    settings = session.Settings(reply_tokens=12, threshold=0.3)
    chat = session.Chat(memory, "llama_cpp", memory.llm.handle, tmp_path, settings)
    yield chat
    chat.close()
    close(memory)


@pytest.fixture
def gate(chat):
    gate = Gate(chat)
    yield gate
    gate.open()


def added(turn) -> bool:
    return turn.added != "waiting"


def test_the_base_model_replies_and_every_outcome_is_told(chat, gate):
    chat.memory.add("I am allergic to peanuts", user_id="ana", infer=False)
    chat.memory.add("I am allergic to peanuts and nuts", user_id="bob", infer=False)
    turn = chat.send("ana", "What food am I allergic to?")
    with pytest.raises(ChatError, match="still being written"):
        chat.send("ana", "And now?")
    gate.open()
    until(lambda: added(turn))
    assert turn.state == "done" and turn.reply and turn.first_token_s > 0
    assert [m["memory"] for m in turn.used] == ["I am allergic to peanuts"]
    assert 0.3 <= turn.used[0]["score"] <= 1
    assert turn.added in ("stored", "known", "nothing") or turn.added == "failed" and turn.note
    until(lambda: not list(chat.pending.glob("*")))

    # a reply that Mem0 is not given stands in the conversation all the same
    gate.histories.clear()
    chat.settings = dataclasses.replace(chat.settings, remember_replies=False)
    later = chat.send("ana", "And what else?")
    until(lambda: added(later))
    said = [{"role": "user", "content": turn.message}, {"role": "assistant", "content": turn.reply}]
    assert gate.histories == [said]
    chat.settings = dataclasses.replace(chat.settings, remember_replies=True)

    gate.close()
    stopped = chat.send("ana", "Tell me a long story")
    stopped.stop = True
    gate.open()
    until(lambda: added(stopped))
    assert stopped.state == "stopped" and len(stopped.reply) < 20

    (bobs,) = chat.memories("bob")
    for forbidden in (
        lambda: chat.edit("ana", bobs["id"], "mine"),
        lambda: chat.forget("ana", bobs["id"]),
        lambda: chat.forget("bob", "0" * 32),
    ):
        with pytest.raises(ChatError, match="not there any more"):
            forbidden()
    gate.close()
    late = chat.send("ana", "I am allergic to cats")
    assert chat.forget_all("ana") >= 1
    gate.open()
    until(lambda: late.state == "done" and not list(chat.pending.glob("*")))
    assert (late.added, chat.memories("ana"), chat.memories("bob")) == ("forgotten", [], [bobs])
    assert bobs["source"] == "imported"  # nobody said it here
