"""The measures of truth, by hand: what is counted of labelled statements, and how a rule is held against the labels."""

import pytest

from mem0_slm import contract, io
from pipeline.data import labels
from pipeline.data.eval_items import EvalItem
from pipeline.data.labels import Label
from pipeline.evaluation import metrics
from pipeline.evaluation.statistics import binomial_interval
from pipeline.evaluation.truth import gate, stored, truth, written
from stages import truth as stage


def of(conversation: str, statement: str, label: str, kind: str = "", second: str = "") -> Label:
    return Label(conversation, statement, label, kind, label, second or label, bool(second), "m")


def said(id: str, text: str, query: str | None = "What?") -> EvalItem:
    return EvalItem(id, [{"role": "user", "content": text}], query, ["x"] if query else [])


def row(id: str, memories: list[str], statements: list[str], answer: list[str]) -> dict:
    made = [{"text": text, "origin": "generated", "evidence": []} for text in statements]
    return {"id": id, "set": "natural", "memories": memories, "statements": made, "answer": contract.dump(answer)}


ITEMS = [
    said("boat", "I row a boat and my sister sails to France every year"),  # 12 words
    said("tea", "no tea please"),  # 3
    said("talk", "good morning", None),
    said("new", "I moved to Kent last week on Monday"),  # 8
]
ROWS = [
    row(
        "boat",
        ["User rows a boat; User sails"],
        ["User rows a boat", "User sails"],
        ["User rows a boat; User is French"],
    ),
    row("tea", ["User drinks tea"], ["User drinks tea"], ["User drinks tea"]),
    row("talk", [], [], []),
    row("new", ["User moved to Kent"], ["User moved to Kent"], ["User moved to Kent"]),
]
LABELS = [
    of("boat", "User rows a boat", "true"),
    of("boat", "User sails", "garbled", "garbled"),
    of("boat", "User is French", "false", "invented", second="true"),
    of("tea", "User drinks tea", "false", "polarity"),
    of("new", "User rows a boat", "true"),  # of this conversation nothing of the kind was stored
]


def test_the_measures_of_truth_by_hand():
    found = truth(ROWS, ITEMS, LABELS, uses_llm=True)
    assert found == {
        # 6 + 3 + 4 words of memories over 12 + 3 + 8 of messages; small talk has nothing to store
        "words_stored_per_said": 0.5652,
        "statements": 4,
        "statements_labelled": 3,
        "statements_unlabelled": 1,
        "statements_false": 1,
        "statements_garbled": 1,
        "conversations_labelled": 2,
        "statements_true": 0.3333,
        "statements_true_ci": binomial_interval(1, 3),
        "conversations_with_false": 0.5,  # tea; boat's is garbled
        "conversations_with_false_ci": binomial_interval(1, 2),
        "model_statements": 4,
        "model_statements_labelled": 3,
        "model_statements_true": 0.3333,
        "model_statements_true_ci": binomial_interval(1, 3),
        "readers_statements": 4,  # the labels that a figure rests on, each once
        "readers_agree": 0.75,
        # by chance: true 1 * 2, false 2 * 1, garbled 1 * 1, of 16: 1 - 0.25 / (1 - 5/16)
        "readers_kappa": 0.6364,
        "third_looks": 1,
    }
    assert {name.removesuffix("_ci") for name in found} <= {m.name for m in metrics.METRICS}


def test_nothing_labelled_gives_no_share():
    found = truth(ROWS, ITEMS, [], uses_llm=True)
    assert "statements_true" not in found and "model_statements_true" not in found and "readers_agree" not in found
    assert (found["statements"], found["statements_labelled"], found["statements_unlabelled"]) == (4, 0, 4)


def test_of_raw_messages_only_the_words_are_counted():
    raw = [{"id": item.id, "memories": [item.messages[0]["content"]]} for item in ITEMS]
    assert truth(raw, ITEMS, LABELS, uses_llm=False) == {"words_stored_per_said": 1.0}


def test_the_statements_of_an_item_are_those_of_the_event_else_its_memories_split():
    assert stored(ROWS[0]) == ["User rows a boat", "User sails"]
    assert stored({"id": "x", "memories": ["User rows; User sails", "User swims"]}) == [
        "User rows",
        "User sails",
        "User swims",
    ]
    assert written(ROWS[0]) == ["User rows a boat", "User is French"]
    assert written({"id": "x", "memories": ["a"]}) == written({"id": "x", "memories": [], "answer": ""}) == []


def test_an_exact_interval():
    """Of 10 in 10 the lower end is 0.025 ** (1 / 10) = 0.6915."""
    assert binomial_interval(10, 10) == [0.6915, 1.0]
    assert binomial_interval(0, 10) == [0.0, 0.3085]


def test_a_rule_against_the_labels_by_half():
    tune, held = (next(f"c{i}" for i in range(99) if labels.held_out(f"c{i}") == side) for side in (False, True))
    given = [of(held, f"t{i}", "true") for i in range(4)] + [
        of(held, "f", "false", "polarity"),
        of(held, "g", "garbled", "garbled"),
        of(tune, "f", "false", "invented"),
    ]
    found = gate(given, lambda label: label.statement in ("t0", "t1", "t2", "f"))
    assert found["held_out"] == {
        "conversations": 1,
        "statements": 6,
        "true": 4,
        "let_through": 4,
        "let_through_true": 3,
        "precision": 0.75,
        "precision_ci": binomial_interval(3, 4),
        "recall": 0.75,
        "recall_ci": binomial_interval(3, 4),
        "let_through_not_true": {"polarity": 1},
    }
    assert found["tuning"]["precision"] == 0.0 and "recall" not in found["tuning"]


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """What retrieval_eval and the readers left of four conversations."""
    monkeypatch.chdir(tmp_path)
    io.write_jsonl("data/natural.jsonl", [item.row() for item in ITEMS])
    io.write_jsonl("reports/items_finetuned.jsonl", [{"id": "e", "set": "eval", "memories": []}, *ROWS])
    host = {"commit": "abc", "processor": "that one"}
    io.write_json(
        "reports/runs/retrieval_finetuned_natural.json",
        {"precision_at_5": 0.75, "num_keys": 4, "sources": {"engine": "llama_cpp"}, "host": host},
    )
    labels.write_labels(labels.NATURAL, LABELS)
    return tmp_path


def test_the_stage_adds_truth_to_what_was_measured(evaluated):
    stage.main("finetuned")
    whole, shown = io.read_json("reports/runs/natural_finetuned.json"), io.read_json("metrics/natural_finetuned.json")
    assert whole["host"] == {"commit": "abc", "processor": "that one"}, "the figures are of the run that evaluated"
    assert whole["precision_at_5"] == shown["precision_at_5"] == 0.75 and whole["num_keys"] == 4
    assert whole["statements_true"] == shown["statements_true"] == 0.3333
    assert shown["conversations_with_false"] == 0.5 and shown["statements_unlabelled"] == 1
    assert set(shown) <= set(metrics.HEADLINE)


def test_the_stage_takes_the_items_that_were_evaluated(evaluated):
    """With retrieval_eval.limit there are fewer than the set has."""
    io.write_jsonl("reports/items_finetuned.jsonl", ROWS[:1])
    stage.main("finetuned")
    assert io.read_json("metrics/natural_finetuned.json")["statements"] == 2


def test_a_label_of_no_natural_conversation_stops_the_stage(evaluated):
    labels.write_labels(labels.NATURAL, [of("boot", "User rows a boat", "true")])
    with pytest.raises(io.DataError, match="natural.jsonl:1: key 'conversation': 'boot' is none of those"):
        stage.main("finetuned")
