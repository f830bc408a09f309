"""Metrics against values worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem0_slm.text import holds, unsaid
from pipeline.evaluation import metrics as evaluation_metrics
from pipeline.evaluation import statistics

QRELS = {"q1": {"a": 1}, "q2": {"b": 2, "c": 1}, "q3": {"d": 1}, "q4": {"e": 1}, "q5": {"f": 0, "g": 1}, "q6": {}}
RESULTS = {
    "q1": {"a": 0.9, "x": 0.8},  # rank 1
    "q2": {"x": 0.9, "y": 0.8, "c": 0.7, "b": 0.1},  # rank 3
    "q3": {**{f"x{i}": 1.0 - i / 100 for i in range(6)}, "d": 0.5},  # rank 7
    # q4 could not be run
    "q5": {"f": 0.9},  # f is judged, and not relevant
    "q6": {"x": 0.9},  # nothing is relevant
    "unasked": {"z": 1.0},
}


def test_retrieval_by_hand():
    metrics = evaluation_metrics.retrieval(QRELS, RESULTS)
    assert {name: value for name, value in metrics.items() if not name.endswith("_ci")} == {
        "hit_at_1": 0.1667,  # 1 of 6
        "hit_at_3": 0.3333,  # 2 of 6
        "precision_at_5": 0.3333,
        "hit_at_10": 0.5,  # 3 of 6
        "mrr": 0.246,  # (1 + 1/3 + 1/7) / 6
        "num_total_queries": 6,
        "num_processed_queries": 5,
        "num_hits": 2,
    }


def test_no_queries_score_zero():
    metrics = evaluation_metrics.retrieval({}, {"q": {"a": 1.0}})
    assert {value for name, value in metrics.items() if not name.endswith("_ci")} == {0}
    assert metrics["mrr_ci"] == [0.0, 0.0]


def test_every_retrieval_metric_has_an_interval_around_it():
    metrics = evaluation_metrics.retrieval(QRELS, RESULTS)
    for name in ("precision_at_5", "hit_at_1", "hit_at_3", "hit_at_10", "mrr"):
        low, high = metrics[f"{name}_ci"]
        assert 0 <= low <= metrics[name] <= high <= 1


def test_an_interval_by_hand():
    # 30 hits of 100: the mean's standard error is sqrt(0.3 * 0.7 / 100) = 0.0458, so 1.96 of it on either side
    low, high = statistics.interval([1.0] * 30 + [0.0] * 70)
    assert low == pytest.approx(0.3 - 1.96 * 0.0458, abs=0.011)
    assert high == pytest.approx(0.3 + 1.96 * 0.0458, abs=0.011)
    assert statistics.interval([1.0] * 30 + [0.0] * 70) == [low, high]  # seeded
    assert statistics.interval([0.5, 0.5]) == [0.5, 0.5]


def test_a_paired_test_by_hand():
    # 8 queries only ours hit, 1 only theirs: two-sided exact p = 2 * (C(9,0) + C(9,1)) / 2^9 = 20 / 512
    ours, theirs = [True] * 8 + [False] + [True] * 11, [False] * 8 + [True] + [True] * 11
    test = statistics.paired(ours, theirs)
    assert (test["n"], test["only_ours"], test["only_theirs"], test["difference"], test["p"]) == (
        20,
        8,
        1,
        0.35,
        0.039062,
    )
    assert test["ci"][0] < 0.35 < test["ci"][1]
    assert statistics.paired(theirs, ours)["difference"] == -0.35
    same = statistics.paired(ours, ours)
    assert (same["p"], same["difference"], same["ci"]) == (1.0, 0.0, [0.0, 0.0])
    with pytest.raises(ValueError, match="same queries: 20 and 1"):
        statistics.paired(ours, [True])


def test_recall_of_evidence_by_hand():
    assert evaluation_metrics.evidence_recall(["D1:3", "D2:1"], ["D1:3", "D1:3", "D9:9", "D2:1"], 3) == 0.5
    assert evaluation_metrics.evidence_recall(["D1:3", "D2:1"], ["D1:3", "D1:3", "D9:9", "D2:1"], 4) == 1.0
    assert evaluation_metrics.evidence_recall(["D1:3"], [], 5) == 0.0


def test_ties_are_ranked_by_id_whatever_the_order():
    assert (
        evaluation_metrics.ranking({"b": 1.0, "c": 2.0, "a": 1.0})
        == evaluation_metrics.ranking({"a": 1.0, "b": 1.0, "c": 2.0})
        == ["c", "a", "b"]
    )


@pytest.mark.parametrize(
    ("text", "key", "there"),
    [
        ("User takes tram 4", "4", True),
        ("User takes tram 42", "4", False),
        ("User paid 4,000", "4", False),
        ("at 7:40", "7", False),
        ("User paid 1.4 euros", "4", False),
        ("User has 4.", "4", True),
        ("4, 5 and 6", "5", True),
        ("User paid $4,000.", "$4,000", True),
        ("Anabel called", "Ana", False),
        ("ANA called", "Ana", True),
        ("Ana's dog", "Ana", True),
        ("User writes C++ code", "C++", True),
        ("the café – O’Hara", "Café - O'Hara", True),
        ("New\n  York", "new york", True),
        ("Newer York", "new york", False),
        ("ab", "a.", False),
    ],
)
def test_a_key_is_held_as_whole_words(text, key, there):
    assert holds(text, key) is there


@given(st.text(), st.text(min_size=1))
def test_a_key_is_held_by_itself(before, key):
    assert holds(f"{before} | {key} | {before}", key)


def test_keys_kept_counts_each_key_once_within_one_memory():
    memories = ["User met Ana in New", "York has 12 trams", "Ana again"]
    assert evaluation_metrics.keys_kept(["Ana", "12", "New York", "Lisbon"], memories) == 2
    assert evaluation_metrics.keys_kept(["Ana"], []) == 0


@pytest.mark.parametrize(
    ("memory", "conversation", "made_up"),
    [
        ("User moved to Lisbon", "user: I moved to lisbon", []),
        ("User moved to Porto", "user: I moved to Lisbon", ["Porto"]),
        ("Ana moved", "user: she moved", []),  # the first word has its capital anyway
        ("User has 12 bees and 3 cats", "user: 12 bees, 2 cats", ["3"]),
        ("User lives on the 3rd floor", "user: we live on the 3rd floor", []),
        ("User runs 5 km at 7.30", "user: 5km run, 7.30 sharp", []),
        ("User paid 1,200", "user: paid 1,300", ["1,200"]),
        ("User knows Łukasz and Zoë", "user: Zoë says hi", ["Łukasz"]),
        ("User's iPhone is a B2B gift", "user: my iphone is a b2b gift", []),
        ("User and I think that User's right", "user: hm", []),
    ],
)
def test_names_and_numbers_that_nobody_said(memory, conversation, made_up):
    assert [claim.text for claim in unsaid(memory, conversation)] == made_up


def test_percentiles_by_hand():
    assert statistics.percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert statistics.percentile([10.0, 20.0], 0.95) == 19.5
    assert statistics.percentile([7.0], 0.95) == 7.0
    assert statistics.percentile([1.0, 2.0, 3.0], 1.0) == 3.0
    assert math.isnan(statistics.percentile([], 0.5))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_within_the_values(values, share):
    assert min(values) - 1e-6 <= statistics.percentile(values, share) <= max(values) + 1e-6
