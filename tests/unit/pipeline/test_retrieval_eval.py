"""stages.retrieval_eval: the comparison of decodings, with answers that the test writes."""

import pytest

from mem0_slm import answers, contract, engines
from mem0_slm.engines import Answer, llama_cpp
from mem0_slm.extraction import Event
from mem0_slm.grounding import Statement
from mem0_slm.own_words import Span
from pipeline import params
from pipeline.data.eval_items import EvalItem
from pipeline.evaluation import decodings
from pipeline.evaluation.adds import Added, Evaluation
from pipeline.evaluation.quality import quality
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
ITEMS = [EvalItem(id, [{"role": "user", "content": id}], keys=KEYS[id]) for id in "abcd"]
ADDS = [
    Added(
        id,
        ["as stored"],
        0.1,
        event=Event("stored" if texts else "nothing", output_tokens=10, answer=contract.dump(texts)),
    )
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
    figures = decodings.decodings("m.gguf", ITEMS, ADDS, p)
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
    figures = decodings.decodings("m.gguf", ITEMS, ADDS, p.changed(decoding_items=2, decodings=["schema"]))
    assert figures["schema"]["num_keys"] == 1  # a and c
    assert decodings.decodings("m.gguf", ITEMS, ADDS, p.changed(decoding_items=0)) == {}


def test_an_engine_that_fails_is_an_outcome_here_too(p, monkeypatch, asked):
    def broken(*arguments, **options):
        raise engines.EngineError("no memory")

    monkeypatch.setattr(llama_cpp, "generate", broken)
    figures = decodings.decodings("m.gguf", ITEMS, ADDS, p.changed(decodings=["free"]))
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


# --- adds ---

DOG = EvalItem("dog", [{"role": "user", "content": "My dog is Rex, 4"}], "What is the dog called?", ["Rex", "4"])
TALK = EvalItem("talk", [{"role": "user", "content": "Good morning"}])


def test_the_rows_of_an_evaluation_have_no_clock_in_them():
    """The keys of reports/items_<candidate>.jsonl: with a model, without one, and where Mem0 raised."""
    rex = Statement("User's dog is Rex", 0, (Span(0, 0, 13, "My dog is Rex"),), "generated")
    asked = Event(
        "stored",
        ("User's dog is Rex",),
        prompt_tokens=20,
        output_tokens=9,
        seconds=0.2,
        answer="{}",
        statements=(rex,),
        dropped=("User is 4",),
    )
    adds = [
        Added("dog", ["User's dog is Rex"], 0.3, event=asked),
        Added("raw", ["My dog is Rex, 4"], 0.1),
        Added("bad", [], 0.1, "ValueError: no"),
    ]
    dog, raw, bad = Evaluation({}, {}, adds, {"dog": 1, "raw": None}).rows()
    assert dog == {
        "id": "dog",
        "memories": ["User's dog is Rex"],
        "error": "",
        "outcome": "stored",
        "answer": "{}",
        "repaired": False,
        "statements": [
            {
                "text": "User's dog is Rex",
                "origin": "generated",
                "evidence": [{"turn": 0, "start": 0, "end": 13}],
            }
        ],
        "dropped": ["User is 4"],
        "prompt_tokens": 20,
        "output_tokens": 9,
        "first_hit": 1,
    }
    assert raw == {"id": "raw", "memories": ["My dog is Rex, 4"], "error": "", "outcome": "stored", "first_hit": None}
    assert bad == {"id": "bad", "memories": [], "error": "ValueError: no", "outcome": "engine_error"}


def test_quality_by_hand():
    statements = tuple(
        Statement(text, i, (), origin)
        for i, (text, origin) in enumerate([("User's dog is Rex", "own_words"), ("User lives in Lima", "generated")])
    )
    adds = [
        Added(
            "dog",
            [s.text for s in statements],
            0.1,
            event=Event("stored", statements=statements, dropped=("User is 4", "User barks")),
        ),
        Added("talk", ["User says hi"], 0.1, event=Event("truncated", repaired=True)),
    ]
    found = quality([DOG, TALK], adds, {"dog": {"m": 1}}, {"dog": {"m": 0.9}}, uses_llm=True)
    wanted = {
        "hit_at_1": 1.0,
        "keys_kept": 0.5,
        "num_keys": 2,
        "small_talk_stored": 1.0,
        "num_small_talk": 1,
        "memories_per_item": 2.0,
        "facts_missed": 0,
        "outcomes": dict.fromkeys(answers.OUTCOMES, 0) | {"stored": 1, "truncated": 1},
        "valid_json_share": 0.5,
        "failed_adds": 1,
        "repaired": 1,
        "statements_generated": 1,
        "statements_own_words": 1,
        "statements_dropped": 2,
        "memories_with_unsaid_names_or_numbers": 0.3333,  # Lima
    }
    assert {name: found[name] for name in wanted} == wanted
    without = quality([DOG, TALK], adds, {"dog": {"m": 1}}, {"dog": {"m": 0.9}}, uses_llm=False)
    assert "outcomes" not in without and without["keys_kept"] == 0.5
