"""What the page does, without a browser."""

import inspect
import types

import gradio
import pytest

from page.cards import LOADING
from page.page import build
from page.session import Turn


def handlers(chat) -> dict:
    """The page's functions by name."""
    return {event.fn.__name__: event.fn for event in build(chat).fns.values() if event.fn}


def test_conversation_and_memories_are_written_by_one_event_each_that_answers_once():
    events = build(None).fns.values()
    assert not [
        event.name for event in events if inspect.isgeneratorfunction(event.fn) or inspect.isasyncgenfunction(event.fn)
    ]
    writers = {
        part: [event.name for event in events if part in [block.elem_id for block in event.outputs]]
        for part in ("talk", "cards", "who", "stop")
    }
    assert writers == {"talk": ["follow"], "cards": ["remembered"], "who": ["remembered"], "stop": ["follow"]}


def test_nothing_is_sent_to_a_page_that_shows_it_already():
    turn = Turn("1", "hi", state="writing")
    entry = {
        "id": "m",
        "memory": "I ski",
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "",
        "source": "conversation",
        "said": "hi, I ski",
        "evidence": [{"text": "I ski", "origin": "generated", "said": [{"role": "user", "words": "I <ski>"}]}],
    }
    chat = types.SimpleNamespace(turns=lambda user: [turn], memories=lambda user: [entry])
    page = handlers(chat)
    *first, mark = page["follow"]("ana", None)
    assert [m["content"] for m in first[0]] == ["hi", "<i class='writing'>thinking …</i>"]
    assert page["follow"]("ana", mark) == (gradio.skip(),) * 5
    turn.reply, turn.state, turn.added, turn.used = "Hello <b>", "done", "nothing", [entry | {"score": 0.5}]
    talk, *_, mark = page["follow"]("ana", mark)
    assert [m["content"] for m in talk] == ["hi", "I ski <small>(0.50)</small>", "Hello &lt;b&gt;", ""]
    cards, heading, mark = page["remembered"]("ana", "", None)
    assert heading == "<h2>Memories of ana: 1</h2>"
    for told in (
        "<p>I ski</p>",
        "2 Jan 2026",
        "from the conversation",
        ">hi, I ski</q>",
        "used for the last reply · 0.50",
        "<summary>Evidence</summary>",
        "Put into words by the model. You said:<q>I &lt;ski&gt;</q>",
    ):
        assert told in cards
    assert page["remembered"]("ana", "", mark) == (gradio.skip(),) * 3
    assert page["remembered"]("bob", "", mark)[1] == "<h2>Memories of bob: 1</h2>"  # the mark is another user's
    assert page["remembered"]("", "", mark) == (LOADING, "", "")


def test_a_store_that_fails_is_told_and_logged_once(caplog):
    def fail(*_):
        raise OSError("<disk> is gone")

    page = handlers(types.SimpleNamespace(turns=lambda user: [], memories=fail, own=fail, edit=fail))
    cards, heading, mark = page["remembered"]("ana", "", None)
    assert "role='alert'" in cards and "The memories cannot be read: &lt;disk&gt; is gone" in cards and heading == ""
    assert page["remembered"]("ana", "", mark) == (gradio.skip(),) * 3
    assert len(caplog.records) == 1
    with pytest.raises(gradio.Error, match="This could not be done: &lt;disk&gt; is gone"):
        page["save_edit"]("ana", "m", "new")


def test_a_page_older_than_the_process_does_nothing_and_is_told():
    with pytest.warns(UserWarning, match="The app was started anew. Reload the page."):
        assert handlers(None)["send"]("", "hi") == gradio.skip()
