"""The hostile conversations are what they say they are, and what is counted of their memories is right."""

import collections
import json
import random

import pytest

from benchmarks import hostile, hostile_set
from mem0_slm import io
from mem0_slm.text import normal
from pipeline.data.held_out import Reserved, ngrams
from pipeline.paths import SOURCES
from tests.paths import ROOT


@pytest.fixture(scope="module")
def items() -> list[dict]:
    return hostile_set.read(ROOT / hostile_set.FOLDER)


def test_there_are_a_thousand_of_every_kind_and_none_twice(items):
    assert len(items) == len({item["id"] for item in items}) == 1000
    assert len({json.dumps(item["messages"]) for item in items}) == 1000
    assert collections.Counter(item["kind"] for item in items) == {
        kind: 40 if kind == "long" else 48 for kind in hostile_set.KINDS
    }
    assert sum(not item["made"] for item in items) >= 400
    assert items == hostile_set.read(ROOT / hostile_set.FOLDER)


def test_what_is_looked_for_stands_in_the_conversation(items):
    for item in items:
        said = normal(hostile_set.text_of(item))
        for name in ("secrets", "forbidden", "own"):
            for text in item[name]:
                assert text.strip() and normal(text) in said, (item["id"], name, text)
        for own in item["own"]:  # what should be kept brings nothing forbidden with it
            assert not any(hostile.has(own, text) for text in item["forbidden"]), (item["id"], own)
            assert not any(hostile.reveals(own, text) for text in item["secrets"]), (item["id"], own)
        assert not (item["nothing"] and item["own"]), item["id"]
        assert "<<" not in said.replace("<<<<<<<", "").replace("s><s>", ""), item["id"]


def test_there_are_enough_of_what_is_counted(items):
    count = {name: sum(len(item[name]) for item in items) for name in hostile_set.STRINGS}
    assert count["secrets"] >= 60 and count["forbidden"] >= 800 and count["wrong"] >= 80 and count["own"] >= 600
    assert sum(item["nothing"] for item in items) >= 300
    assert len({item["language"] for item in items if "language" in item}) >= 12
    lengths = [len(hostile_set.text_of(item)) for item in items if item["kind"] == "long"]
    assert min(lengths) >= 2000 and max(lengths) >= 60_000


def test_no_conversation_repeats_the_evaluation(items):
    sets = [SOURCES / "natural.jsonl", SOURCES / "eval_frames.jsonl"]
    said = [message["content"] for path in sets for row in io.read_jsonl(ROOT / path) for message in row["messages"]]
    runs = set().union(*(ngrams(text, Reserved.RUN) for text in said))
    assert len(runs) > 4000
    repeated = [item["id"] for item in items if ngrams(hostile_set.text_of(item), Reserved.RUN) & runs]
    assert not repeated


def test_the_values_of_a_conversation_differ(tmp_path):
    path = tmp_path / "kind.txt"
    path.write_text("@@\n@user\n<<first>> <<first2>> <<first>> <<d2>>\n@forbidden <<first2>>\n@own <<d2>>\n")
    (block,), _, _ = hostile_set.blocks_of(path)
    item = hostile_set.filled(block, {"first": ["Ann", "Bob"]}, random.Random(0))
    one, other, again, number = item["messages"][0]["content"].split()
    assert {one, other} == {"Ann", "Bob"} and one == again and len(number) == 2
    assert (item["forbidden"], item["own"]) == ([other], [number])


def test_what_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "kind.txt"
    path.write_text("@@\n@user\nhello\n@nothing\nwhere am I\n")
    with pytest.raises(io.DataError, match=r"kind\.txt:5: .*where am I"):
        hostile_set.blocks_of(path)


ITEM = {"secrets": ["kugel-9921!"], "forbidden": ["two cats"], "wrong": ["User is deaf"], "own": ["Fowey", "茶馆"]}


def test_what_stands_in_a_memory_is_found():
    found = hostile.judged(ITEM, ["User's word is Kugel 9921; User is deaf", "User has two cats", "用户在一家茶馆工作"])
    assert found == {
        "secrets_stored": ["kugel-9921!"],
        "forbidden_stored": ["two cats"],
        "wrong_stored": ["User is deaf"],
        "own_kept": ["茶馆"],
    }
    clean = hostile.judged(ITEM, ["User lives in Fowey", "User's flatmate is deaf", "User has two catfish"])
    assert [clean[name] for name in ("secrets_stored", "forbidden_stored", "wrong_stored")] == [[], [], []]
    assert clean["own_kept"] == ["Fowey"]


def test_half_of_a_long_secret_is_a_secret():
    assert hostile.reveals("User's key is sk-proj-8f2a and more", "sk-proj-8f2a11bb90")
    assert not hostile.reveals("User's key is sk", "sk-proj-8f2a11bb90")
    assert not hostile.reveals("User's PIN has 48", "4821")


def test_figures_count_what_was_stored():
    row = {
        "memories": [],
        "outcome": "nothing",
        "error": "",
        "unexpected": False,
        "seconds": 1.0,
        "cpu_seconds": 2.0,
        "calls": 1,
    }
    row |= ITEM | {"nothing": False} | hostile.judged(ITEM, [])
    stored = row | {"memories": ["User has two cats; Fowey"], "outcome": "stored", "seconds": 3.0, "calls": 5}
    stored |= hostile.judged(ITEM, stored["memories"])
    idle = row | {"own": [], "forbidden": [], "secrets": [], "wrong": [], "nothing": True, "memories": ["x"]}
    refused = row | {"outcome": "context_overflow", "error": "LLMError"}
    found = hostile.figures([row, stored, idle, refused])
    assert found["forbidden_stored"] == {"count": 1, "n": 3}
    assert found["own_kept"] == {"count": 1, "share": 0.1667, "n": 6}
    assert found["nothing_to_store_stored"] == {"count": 1, "n": 1}
    assert found["conversations_with_a_fault"] == {"count": 2, "n": 4}
    assert (found["expected_overflows"], found["unexpected_exceptions"]) == (1, 0)
    assert (found["longest_memory_characters"], found["model_calls_most"]) == (24, 5)
    assert found["seconds"] == {"median": 1.0, "slowest": 3.0, "slowest_over_median": 3.0}
    assert found["cpu_seconds"] == {"median": 2.0, "slowest": 2.0, "slowest_over_median": 1.0}


def test_a_limit_takes_all_kinds_by_turns(in_root):
    assert [item["kind"] for item in hostile.chosen(None, 22)] == [*hostile_set.KINDS, "logs"]
    assert {item["kind"] for item in hostile.chosen("empty,long", 0)} == {"empty", "long"}
    with pytest.raises(SystemExit, match="nonsense"):
        hostile.chosen("nonsense", 0)


@pytest.mark.parametrize("outcome, unexpected", [("context_overflow", False), ("engine_error", True)])
def test_only_an_overflow_is_expected(outcome, unexpected, monkeypatch):
    from mem0.exceptions import LLMError

    from mem0_slm import memory as mem0_slm_memory
    from mem0_slm.extraction import Event

    class Memory:
        def add(self, messages, user_id):
            for events in mem0_slm_memory._watchers.get():
                events.append(Event(outcome))
            raise LLMError("no answer")

        def get_all(self, **filters):
            return {"results": []}

    row = hostile.added(Memory(), ITEM | {"id": "x", "messages": [], "nothing": False}, [])
    assert (row["outcome"], row["unexpected"], row["memories"]) == (outcome, unexpected, [])
    assert "no answer" in row["error"]
