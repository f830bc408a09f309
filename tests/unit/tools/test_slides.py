"""The slides of the walkthrough."""

import json

from tests.paths import ROOT
from tools.slides import slides


def test_the_slides_of_the_walkthrough_hold_the_measured_figures():
    text = " ".join(html for _, html in slides())
    for name in ("retrieval_base_quality", "retrieval_finetuned_quality", "natural_no_llm", "natural_finetuned"):
        assert f"<td>{json.loads((ROOT / f'metrics/{name}.json').read_text())['precision_at_5']:.3f}</td>" in text
    assert (
        f"{json.loads((ROOT / 'metrics/dataset.json').read_text())['train']['extraction']:,}</b> training examples"
        in text
    )
