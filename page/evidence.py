"""The evidence of a memory in the form in which it is kept beside it and shown."""

from mem0_slm.extraction import Event


def evidence(event: Event, memory: str, messages: list[dict]) -> list[dict]:
    """What a memory of an extraction of `messages` says, statement by statement; [] for a memory that is not of it.

    Each has text, origin ("generated" or "own_words") and said: a list of role and words, as the messages have them.
    """
    return [
        {
            "text": statement.text,
            "origin": statement.origin,
            "said": [{"role": messages[span.turn]["role"], "words": span.text} for span in statement.evidence],
        }
        for statement in event.statements
        if event.memories[statement.memory] == memory
    ]
