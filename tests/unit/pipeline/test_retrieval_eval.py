"""stages.retrieval_eval: the comparison of decodings, with answers that the test writes."""

import pytest

from mem0_slm import answers, contract, engines
from mem0_slm.engines import Answer, llama_cpp
from pipeline import params
from pipeline.evaluation import decodings
from pipeline.evaluation.settings import RetrievalEvalSettings

FREE = {
    "a": "User has a dog named Pimento",
    "b": '{"memory": [{"text": "User has a cat"}',
    "c": "Hello!",
    "d": '["User lives in Lima"]',
}
ANY_JSON = {
    "a": '{"memory": [{"text": "User has a dog named Pimento"}]}',
    "b": "{}",
    "c": '{"memory": []}',
    "d": '{"x": 1}',
}
KEYS = {"a": ["Pimento"], "b": ["cat"], "c": [], "d": ["Lima", "2019"]}
ITEMS = [{"id": id, "messages": [{"role": "user", "content": id}], "keys": KEYS[id]} for id in "abcd"]
ROWS = [
    {
        "id": id,
        "outcome": "stored" if texts else "nothing",
        "answer": contract.dump(texts),
        "memories": ["as stored"],
        "repaired": False,
        "output_tokens": 10,
    }
    for id, texts in {
        "a": ["User's dog is Pimento"],
        "b": ["User has a cat"],
        "c": [],
        "d": ["User lives in Lima since 2019"],
    }.items()
]


@pytest.fixture
def p(in_root):
    p = params.load(RetrievalEvalSettings, "retrieval_eval")
    return p.changed(constrain="schema", decodings=["free", "json", "schema"])


@pytest.fixture
def asked(monkeypatch):
    asked = []

    def generate(handle, messages, *, max_tokens, schema):
        asked.append(schema)
        id = messages[1]["content"].removeprefix("user: ")
        return Answer(
            (ANY_JSON if schema else FREE)[id], "length" if id == "b" else "stop", 30, 4 if schema else 8, 0.0
        )

    monkeypatch.setattr(llama_cpp, "generate", generate)
    monkeypatch.setattr(engines, "shared_handle", lambda engine, model, options: None)
    return asked


def test_each_decoding_is_counted_and_the_stages_own_answers_are_reused(p, asked):
    figures = decodings.decodings("m.gguf", ITEMS, ROWS, p)
    assert asked.count(None) == asked.count({"type": "object"}) == 4 and len(asked) == 8  # none for the schema
    zero = dict.fromkeys(answers.OUTCOMES, 0)
    assert figures == {
        "free": {
            "conversations": 4,
            "well_formed_share": 0.0,
            "outcomes": zero | {"unparsable": 2, "truncated": 1, "wrong_shape": 1},
            "repaired": 2,
            "keys_kept": 0.5,
            "num_keys": 4,
            "output_tokens_mean": 8.0,  # cat, Lima; Pimento stands in prose
        },
        "json": {
            "conversations": 4,
            "well_formed_share": 0.5,
            "outcomes": zero | {"stored": 1, "nothing": 1, "wrong_shape": 2},
            "repaired": 0,
            "keys_kept": 0.25,
            "num_keys": 4,
            "output_tokens_mean": 4.0,
        },
        "schema": {
            "conversations": 4,
            "well_formed_share": 1.0,
            "outcomes": zero | {"stored": 3, "nothing": 1},
            "repaired": 0,
            "keys_kept": 1.0,
            "num_keys": 4,
            "output_tokens_mean": 10.0,
        },
    }


def test_fewer_conversations_are_spread_over_all(p, asked):
    figures = decodings.decodings("m.gguf", ITEMS, ROWS, p.changed(decoding_items=2, decodings=["schema"]))
    assert figures["schema"]["num_keys"] == 1  # a and c
    assert decodings.decodings("m.gguf", ITEMS, ROWS, p.changed(decoding_items=0)) == {}


def test_an_engine_that_fails_is_an_outcome_here_too(p, monkeypatch, asked):
    def broken(*arguments, **options):
        raise engines.EngineError("no memory")

    monkeypatch.setattr(llama_cpp, "generate", broken)
    figures = decodings.decodings("m.gguf", ITEMS, ROWS, p.changed(decodings=["free"]))
    assert figures["free"]["outcomes"]["engine_error"] == 4 and figures["free"]["well_formed_share"] == 0.0


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("decodings", ["free", "xml"], "'xml' must be one of free, json, schema"),
        ("decoding_items", -1, "-1 must be a whole number, at least 0 .*0: no comparison"),
    ],
)
def test_bad_params_are_named(p, key, value, message):
    with pytest.raises(ValueError, match=f"{key}.*{message}"):
        p.changed(**{key: value})
