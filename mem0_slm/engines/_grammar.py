"""Holding an answer to a JSON schema while it is decoded, by llguidance: for the engines in this process."""

import json
from typing import Any

from mem0_slm.engines.answer import EngineError

SPACING: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""White space in the JSON that a schema allows: that of `json.dumps`, as in the training data."""


def schema_matcher(tokenizer: Any, schema: dict) -> Any:
    """A fresh llguidance matcher: it says which tokens may come next.

    tokenizer: llguidance's view of the model's. Raises EngineError for a schema that cannot be used.
    """
    from llguidance import LLMatcher

    matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=SPACING))
    if matcher.is_error():
        raise EngineError(f"the JSON schema cannot be used: {matcher.get_error()}")
    return matcher
