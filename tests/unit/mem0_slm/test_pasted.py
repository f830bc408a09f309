"""What of a message is not its sender's own talk."""

from mem0_slm.pasted import pasted_spans


def parts(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in pasted_spans(text)]


def test_what_follows_a_request_to_translate_is_somebody_s_text():
    assert parts("translate this: I live in Rome and have two cats") == ["I live in Rome and have two cats"]


def test_own_talk_has_nothing_pasted():
    assert parts("hi! i live in leeds and work nights") == []
