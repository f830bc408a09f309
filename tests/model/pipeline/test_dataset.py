"""Alpaca from the hub, through the real library `datasets`, which loads torch."""

import pytest

from mem0_slm import io
from pipeline.data.held_out import Reserved
from pipeline.data.instructions import instruction_examples


def test_the_hub_is_asked_for_alpaca_through_datasets(monkeypatch):
    """Only the hub is a stand-in; the rows come as a datasets.Dataset."""
    import datasets

    asked = []
    rows = datasets.Dataset.from_list(
        [{"instruction": f"Say {n}", "input": "", "output": f"It is {n}", "text": "x"} for n in range(5)]
    )
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: (asked.append((a, k)), rows)[1])
    examples = instruction_examples("hub", 3, Reserved([]).repeats, seed=1)
    assert asked == [(("tatsu-lab/alpaca",), {"split": "train"})]
    assert len(examples) == 3 and examples[0]["messages"][1]["content"].startswith("It is ")


def test_a_hub_that_cannot_be_reached_is_an_error_with_the_remedy():
    with pytest.raises(
        io.DataError,
        match=r"generate_dataset.instructions: hub: tatsu-lab/alpaca did not come .* use offline or the path of an Alpaca-form file",
    ):
        instruction_examples("hub", 3, Reserved([]).repeats, seed=1)
