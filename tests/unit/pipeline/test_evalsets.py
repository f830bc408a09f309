"""Evaluation sets of a user's own: LoCoMo's form and JSON lines; what is malformed is named and counted."""

import json

import pytest

from mem0_slm import io
from pipeline.data import evalsets
from tests.paths import DATA

LOCOMO = DATA / "locomo_small.json"


def test_each_turn_of_locomo_becomes_an_item_of_its_sample():
    found = evalsets.load(LOCOMO)
    assert [i.id for i in found.items] == ["conv-1/D1:1", "conv-1/D1:2", "conv-1/D1:3", "conv-1/D2:1"]
    assert {i.user for i in found.items} == {"conv-1"}
    assert found.items[2].messages == [
        {
            "role": "user",
            "content": "(1:56 pm on 8 May, 2023) Ines: Biscuit only eats mango. [shows: a photo of a lizard on a branch]",
        }
    ]


def test_questions_name_their_evidence_and_what_is_left_out_is_counted():
    found = evalsets.load(LOCOMO)
    evidence = [" ".join(e.removeprefix("conv-1/") for e in q.evidence) for q in found.questions]
    assert evidence == ["D1:1", "D1:1 D1:3", "D2:1", "D1:2", "D1:3 D1:1", "D1:1"]
    assert [q.category for q in found.questions] == [
        "single_hop",
        "multi_hop",
        "single_hop",
        "temporal",
        "single_hop",
        "adversarial",
    ]
    assert found.without_evidence == 1
    assert [line.split(": ", 1)[1] for line in found.malformed] == [
        "sample conv-1: session_2[1]: speaker, dia_id and text must be texts",
        "sample conv-1: session_2[2]: conv-1/D2:1 stands twice",
        "sample conv-1: session_4[not a list]: speaker, dia_id and text must be texts",
        "sample conv-1: qa[4]: evidence D7:9 is no turn of the conversation",
        "sample conv-1: qa[8]: evidence 'D' is no turn of the conversation",
        "sample 1: no conversation",
    ]


def test_evidence_that_is_written_otherwise_is_read_and_named():
    """The ways in which the published file writes it."""
    assert [line.split("qa")[1] for line in evalsets.load(LOCOMO).repaired] == [
        "[1]: evidence 'D1:1; D1:3' read as D1:1, D1:3",
        "[5]: evidence 'D1:02' read as D1:2",
        "[6]: evidence 'D:1:3' read as D1:3",
        "[6]: evidence 'D1:1 D1:3' read as D1:1, D1:3",
    ]
    assert evalsets.evidence_of(["D9:1 D4:4 D4:6", "D9:1"]) == (
        ["D9:1", "D4:4", "D4:6"],
        [],
        ["'D9:1 D4:4 D4:6' read as D9:1, D4:4, D4:6"],
    )
    assert evalsets.evidence_of("D2:3") == (["D2:3"], [], [])
    assert evalsets.evidence_of(["D", "", 7]) == ([], ["'D'", "''", "'7'"], [])


GOOD = {
    "messages": [{"role": "user", "content": "I moved to Porto"}],
    "query": "Where do they live?",
    "keys": ["Porto"],
}


def test_malformed_lines_are_named_and_the_others_kept(tmp_path):
    path = tmp_path / "mine.jsonl"
    bad = [
        "{",
        "[]",
        "{}",
        json.dumps(GOOD | {"keys": []}),
        json.dumps(GOOD | {"query": " "}),
        json.dumps(GOOD | {"messages": ["hi"]}),
        json.dumps(GOOD | {"keys": [4]}),
    ]
    path.write_text(
        "\n".join([json.dumps(GOOD), *bad, "", json.dumps(GOOD | {"id": "b"}), json.dumps(GOOD | {"id": "b"})])
    )
    found = evalsets.load(path)
    assert [(i.id, i.query, i.keys) for i in found.items] == [
        ("line1", "Where do they live?", ["Porto"]),
        ("b", "Where do they live?", ["Porto"]),
    ]
    assert [line.split(":")[1] for line in found.malformed] == ["2", "3", "4", "5", "6", "7", "8", "11"]
    words = " ".join(found.malformed)
    for word in (
        "not JSON",
        "expected an object",
        "messages must be",
        "a query needs keys",
        "query must be",
        "keys must be a list of texts, found [4]",
        "id 'b' stands twice",
    ):
        assert word in words


def test_small_talk_needs_no_keys(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"messages": GOOD["messages"], "query": None}))
    assert evalsets.load(path).items[0].keys == []


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("x.csv", "", "is a .jsonl file of items, or LoCoMo's .json file"),
        ("none.jsonl", None, "no such file. Correct retrieval_eval.sets"),
        ("x.jsonl", "oops", "no usable item. .*x.jsonl:1: not JSON"),
        ("x.json", "oops", "not JSON"),
        ("x.json", "[]", "no usable item. The file is empty"),
    ],
)
def test_an_unusable_file_is_an_error(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(io.DataError, match=words):
        evalsets.load(path)
