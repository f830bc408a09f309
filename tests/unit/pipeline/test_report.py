"""The report: what it says follows from the figures, in Markdown and in HTML that needs nothing else."""

import re

import pytest

from mem0_slm import io
from pipeline.evaluation import metrics
from pipeline.report import measured, render, tables, verdict
from tests.paths import ROOT

REPORT = """# Title <1>

**Better?** a < b & c

- one
- two

{table}

![A curve](plots/curve.svg)
"""


def test_a_table_keeps_its_cells_as_they_were_written():
    text = render.table(["name", "n"], [["x|y", "0.50"], ["two\nlines", "2"]])
    assert text.startswith("| name")
    assert "0.50" in text  # numbers stay as they were written
    assert "x\\|y" in text and "two lines" in text


def test_the_page_is_escaped_and_needs_no_other_file(tmp_path):
    (tmp_path / "curve.svg").write_text('<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg viewBox="0 0 1 1"></svg>')
    rows = render.table(["name", "n"], [["x|y", "0.50"], ["<b>", "2"]])
    page = render.page(REPORT.replace("{table}", rows), tmp_path)
    assert "<title>Title &lt;1&gt;</title>" in page and "<h1>Title &lt;1&gt;</h1>" in page
    assert "<strong>Better?</strong> a &lt; b &amp; c" in page
    assert "<li>one</li>" in page
    assert "<td>&lt;b&gt;</td>" in page and "<td>x|y</td>" in page
    assert '<figure aria-label="A curve"><svg' in page
    assert "prefers-color-scheme: dark" in page and "width=device-width" in page
    assert not re.search(r"<script|<link|src=|href=|@import|<\?xml", page)


def test_what_a_user_said_is_text_in_the_page(tmp_path):
    page = render.page("# T\n\n<script>alert(1)</script> <img src=x onerror=y>\n", tmp_path)
    assert "&lt;script&gt;" in page and "<script" not in page and "<img" not in page


def test_the_committed_report_is_the_template_over_the_committed_records():
    """The items are DVC's; the paired tests of the verdict want them."""
    if not all((ROOT / f"reports/items_{c}.jsonl").exists() for c in ("no_llm", "base", "finetuned")):
        pytest.skip("reports/items_*.jsonl are in DVC's cache: `dvc pull` or `dvc repro` brings them")
    assert render.markdown(measured.load()) == (ROOT / "reports/report.md").read_text(encoding="utf-8")


def items(hits: str) -> list[dict]:
    """An item a letter: h a hit at 2, l found at 7, w stored without the answer, n nothing stored; t is small talk."""
    ranks = {"h": 2, "l": 7, "w": None, "n": None}
    return [
        {"set": "eval", "id": f"e{i}", "memories": [] if c in "nt" else ["User ..."]}
        | ({"first_hit": ranks[c]} if c != "t" else {})
        for i, c in enumerate(hits)
    ]


def test_what_became_of_each_query():
    assert list(tables.causes(items("hhlwnnt"), "eval").values()) == [2, 1, 1, 2]
    assert sum(tables.causes(items("hhlwnnt"), "natural").values()) == 0
    assert verdict.hits(items("hlt"), "eval") == {"e0": True, "e1": False}


@pytest.mark.parametrize(
    "ours, theirs, said",
    [
        ("h" * 8, "n" * 8, "yes"),
        ("n" * 8, "h" * 8, "no, worse"),
        ("hn", "nh", "not shown"),
        ("h" * 5, "n" * 5, "not shown"),
    ],
)
def test_better_is_said_only_when_the_paired_test_shows_it(ours, theirs, said):
    # 8 to 0 has p = 2 / 2^8 = 0.008; 5 to 0 has 2 / 2^5 = 0.0625
    assert verdict.answer(verdict.compared({"a": items(ours), "b": items(theirs)}, "a", "b", "eval")) == said


def test_candidates_with_other_queries_cannot_be_compared():
    with pytest.raises(io.DataError, match=r"items_a.jsonl and items_b.jsonl hold other queries of eval"):
        verdict.compared({"a": items("hh"), "b": items("h")}, "a", "b", "eval")


def test_a_metric_stands_with_its_interval():
    assert tables.between({"mrr": 0.5, "mrr_ci": [0.25, 0.75]}, "mrr") == "0.500 [0.25, 0.75]"
    assert tables.between(metrics.retrieval({}, {}), "num_hits") == "0.000"


def test_a_target_that_was_not_run_stands_in_the_table_with_its_reason():
    rows = tables.model_rows({"targets": {}, "not_run": {"vllm": "EngineError: no server"}}, "m", True, 0.9)
    assert rows == [["m", "yes", "-", "vllm", "not run", "-", "EngineError: no server", "-", "0"]]


def test_every_figure_of_the_committed_metrics_is_defined_once():
    names = [m.name for m in metrics.METRICS]
    assert len(names) == len(set(names))
    files = [*(ROOT / "reports/runs").glob("retrieval_*_quality.json"), *(ROOT / "reports/runs").glob("natural_*.json")]
    assert files
    for file in files:
        found = {key.removesuffix("_ci") for key in io.read_json(file)} - {"host", "sources", "data_sha256"}
        assert found <= set(names), f"{file.name}: {found - set(names)} are not in pipeline/evaluation/metrics.py"


def test_the_gate_takes_its_directions_from_the_definitions():
    assert metrics.BETTER == {m.name: m.better for m in metrics.METRICS if m.better}
    assert metrics.BETTER["small_talk_stored"] == -1 and metrics.BETTER["precision_at_5"] == 1
