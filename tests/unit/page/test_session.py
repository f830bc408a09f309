"""The chat's session, without a model."""

import pytest

from page import session
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
