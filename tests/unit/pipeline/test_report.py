"""The report: what it says follows from the figures, in Markdown and in HTML that needs nothing else."""

import re
import subprocess

import pytest

from mem0_slm import io
from pipeline.evaluation import metrics, speed
from pipeline.evaluation.candidates import CANDIDATES, SETS, quality_record
from pipeline.report import changes, figures, measured, render, tables, verdict
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


def test_the_committed_report_is_the_template_over_the_committed_records(monkeypatch):
    """The items are DVC's; the paired tests of the verdict want them."""
    monkeypatch.chdir(ROOT)
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
    assert not set(names) & set(speed.DEFINITIONS), "a figure has one definition"
    records = [quality_record(name, candidate) for name in SETS for candidate in CANDIDATES]
    for file in [ROOT / folder / f"{record}.json" for folder in ("metrics", "reports/runs") for record in records]:
        found = {key.removesuffix("_ci") for key in io.read_json(file)} - {
            "host",
            "sources",
            "data_sha256",
            "labels_sha256",
        }
        assert found and found <= set(names), f"{file}: {found - set(names)} are not in pipeline/evaluation/metrics.py"


def test_headlines_and_directions_come_from_the_definitions():
    assert set(metrics.BETTER) == {m.name for m in metrics.METRICS if m.better}
    assert {name for name, better in metrics.BETTER.items() if better < 0} == {
        "small_talk_stored",
        "memories_with_unsaid_names_or_numbers",
        "conversations_with_false",
    }
    assert set(metrics.HEADLINE) >= set(metrics.BETTER) - {"memories_with_unsaid_names_or_numbers"}
    for record in [quality_record(name, candidate) for name in SETS for candidate in CANDIDATES]:
        whole, shown = (io.read_json(ROOT / folder / f"{record}.json") for folder in ("reports/runs", "metrics"))
        assert set(shown) == set(metrics.HEADLINE) & set(whole), record


def test_the_report_and_the_docs_say_what_the_figures_mean(monkeypatch):
    """Over the committed records; the items, which are DVC's, are made up."""
    monkeypatch.chdir(ROOT)
    rows = items("hlwnt")
    monkeypatch.setattr(measured.io, "read_jsonl", lambda *_: [row | {"set": name} for name in SETS for row in rows])
    report = render.markdown(measured.load())
    for metric in metrics.METRICS:
        if metric.headline or metric.better:
            less = " (less is better)" if metric.better < 0 else ""
            assert f"- {metric.name}: {metric.definition}{less}\n" in report
        assert re.search(rf"\| `{metric.name}` +\| {re.escape(metric.definition)} +\|", figures.definitions())


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in a subfolder of its git repository, with metrics that are committed."""
    folder = tmp_path / "projects" / "memory"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    io.write_json("metrics/natural_finetuned.json", {"mrr": 0.5, "seconds": 3, "outcomes": {"stored": 7}})
    io.write_json("metrics/finetuned_speed.json", {"load_s": 1})
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q", str(tmp_path)], ["add", "-A"], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], check=True)
    return folder


def test_what_changed_since_a_revision(project, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["changes"])
    assert changes.main() == 0
    assert capsys.readouterr().out == "Nothing: the metrics are those of HEAD (wall-clock figures aside).\n"
    io.write_json("metrics/natural_finetuned.json", {"mrr": 0.75, "seconds": 9, "outcomes": {"stored": 6}})
    io.write_json("metrics/finetuned_speed.json", {"load_s": 2})
    assert changes.changes("HEAD") == [
        ["natural_finetuned", "mrr", "0.5", "0.75", "+0.25"],
        ["natural_finetuned", "outcomes.stored", "7", "6", "-1"],
    ]
    monkeypatch.setattr("sys.argv", ["changes", "--against", "nowhere"])
    assert changes.main() == 1
    assert "'nowhere' is unknown. Fetch it" in capsys.readouterr().err


def test_no_stage_reads_what_changed():
    assert "report/changes" not in (ROOT / "dvc.yaml").read_text()
