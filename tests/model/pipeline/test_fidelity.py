"""pipeline.export.fidelity: the measures by hand."""

import math

import pytest
import torch

from mem0_slm import contract, io
from pipeline.export import fidelity


def output(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def test_perplexity_counts_the_answer_only():
    """Two answer tokens given 1/2 and 1/8: (2 * 8) ** (1/2) = 4; the prompt's rows do not count."""
    eighth = [math.log(1 / 8), math.log(7 / 8)]
    found = fidelity.compare_outputs([output([100.0, 0.0], [0.0, 0.0], eighth)], [([1, 1], [0, 0])])
    assert found == {"perplexity": 4.0}


def test_all_tokens_count_alike_whatever_answer_they_stand_in():
    """One answer of one token at 1/2, one of two at 1/2 and 1/16: (2 * 2 * 16) ** (1/3) = 4."""
    sixteenth = [math.log(1 / 16), math.log(15 / 16)]
    outputs = [output([0.0, 0.0]), output([0.0, 0.0], sixteenth)]
    assert fidelity.compare_outputs(outputs, [([1], [0]), ([1], [0, 0])])["perplexity"] == 4.0


def test_differences_are_over_all_positions_and_a_padded_vocabulary_is_cut():
    reference = [output([1.0, 0.0], [0.0, 1.0])]
    found = fidelity.compare_outputs([output([1.0, 0.0, -9.0], [0.5, 0.25, -9.0])], [([1, 1], [0])], reference)
    assert (found["max_logit_difference"], found["same_next_token_share"]) == (0.75, 0.5)


def test_nan_is_not_lost():
    pairs = [([1], [0])] * 2
    found = fidelity.compare_outputs(
        [output([math.nan, 0.0]), output([1.0, 0.0])], pairs, [output([0.0, 0.0]), output([1.0, 0.0])]
    )
    assert math.isnan(found["perplexity"]) and math.isnan(found["max_logit_difference"])
    for key in ("perplexity", "same_decision_to_store"):
        figures = {"perplexity": 2.0, "same_decision_to_store": 1.0} | {key: math.nan}
        with pytest.raises(io.DataError):
            fidelity.require_quality("model", figures, 2.0, 0.5, 0.5, "export_gguf")


def test_a_gap_is_that_of_the_first_token_which_differs():
    """At the second answer token the model prefers token 1 by 0.5; what follows it no longer counts."""
    one = output([9.0, 9.0], [1.0, 0.0], [1.0, 1.5], [0.0, 7.0])
    assert fidelity.gaps([one, output([2.0, 1.0])], [([1, 1], [0, 0, 0]), ([1], [0])]) == [0.5, 0.0]


def test_agreement_of_answers():
    store, other, nothing = contract.dump(["User has a cat"]), contract.dump(["User has a dog"]), contract.dump([])
    found = fidelity.compare_answers([store, store, "no JSON", nothing], [store, other, nothing, store])
    assert found == {"same_text_as_merged": 0.25, "same_decision_to_store": 0.75, "well_formed": 0.75}


def test_the_most_that_may_be_lost():
    figures = {"perplexity": 2.2, "same_decision_to_store": 0.9}
    fidelity.require_quality("model-q4_0.gguf", figures, 2.0, 0.1001, 0.9, "export_gguf")
    assert figures["perplexity_increase"] == 0.1
    with pytest.raises(
        io.DataError,
        match=r"model-q4_0.gguf: perplexity .* 2.2 against 2.0, \+10.0%; export_gguf.max_perplexity_increase allows \+9.0%",
    ):
        fidelity.require_quality("model-q4_0.gguf", figures, 2.0, 0.09, 0.9, "export_gguf")
    with pytest.raises(
        io.DataError, match=r"in 90% of extractions, export_gguf.min_agreement asks for 95%. Leave this form out"
    ):
        fidelity.require_quality("model-q4_0.gguf", figures, 2.0, 0.2, 0.95, "export_gguf")
