"""The gate: quality may not fall, speed does not matter."""

import json
import subprocess
import sys

import pytest

from mem0_slm import io
from pipeline import results
from pipeline.evaluation.metrics import METRICS
from stages import gate
from tests.paths import ROOT


def test_a_fall_within_the_limit_passes_and_one_beyond_it_is_named():
    old = {"precision_at_5": 0.90, "mrr": 0.80, "num_hits": 90}
    assert gate.falls(old, {"precision_at_5": 0.88, "mrr": 0.95, "num_hits": 1}, 0.02) == []
    assert gate.falls(old, {"precision_at_5": 0.87, "mrr": 0.80}, 0.02) == ["precision_at_5: 0.9 -> 0.87"]


def test_where_less_is_better_a_rise_fails():
    assert gate.falls({"sets.mine.small_talk_stored": 0.0}, {"sets.mine.small_talk_stored": 0.1}, 0.05) == [
        "sets.mine.small_talk_stored: 0.0 -> 0.1"
    ]
    assert gate.falls({"small_talk_stored": 0.5}, {"small_talk_stored": 0.0}, 0.05) == []


def test_a_metric_that_went_missing_fails_and_a_new_one_passes():
    assert gate.falls({"mrr": 0.8}, {"hit_at_1": 0.1}, 0.5) == ["mrr: 0.8 before, now missing"]


def test_the_files_and_the_directions_are_those_of_the_evaluation():
    assert gate.FILES == (
        "retrieval_finetuned_quality.json",
        "natural_finetuned.json",
        "own_data_finetuned.json",
    )
    for metric in METRICS:
        assert gate.direction(metric.name) == gate.direction(f"sets.mine.{metric.name}") == metric.better


def test_speed_never_fails():
    assert gate.falls({"tokens_per_second": 100.0, "add_seconds_p50": 0.1}, {}, 0.0) == []


def test_nested_numbers_by_dotted_name():
    assert results.flat({"a": {"b": 1, "c": "text", "d": [1, 2]}, "e": 0.5}) == {"a.b": 1, "e": 0.5}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("report: {max_fall: 0.02}\n")
    io.write_json("reports/runs/retrieval_finetuned_quality.json", {"precision_at_5": 0.9})
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "stages.gate", *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )


def test_the_command_passes_and_fails(repository):
    passed = run()
    assert (passed.returncode, passed.stdout) == (0, "no quality metric of 1 fell by more than 0.02 against HEAD\n")
    (repository / "reports/runs/retrieval_finetuned_quality.json").write_text(json.dumps({"precision_at_5": 0.8}))
    failed = run("--against", "HEAD")
    assert (failed.returncode, failed.stdout) == (1, "retrieval_finetuned_quality.json: precision_at_5: 0.9 -> 0.8\n")
    unknown = run("--against", "nowhere")
    assert unknown.returncode == 1
    assert "'nowhere' is unknown. Fetch it" in unknown.stderr


def test_comparing_nothing_is_a_failure(repository):
    (repository / "reports/runs/retrieval_finetuned_quality.json").unlink()
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qam", "gone"], check=True)
    done = run()
    assert done.returncode == 1
    assert "nothing could be compared" in done.stderr


def test_a_project_in_a_subfolder_of_its_repository_is_compared(tmp_path, monkeypatch):
    project = tmp_path / "projects" / "memory"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    (project / "params.yaml").write_text("report: {max_fall: 0.02}\n")
    io.write_json("reports/runs/retrieval_finetuned_quality.json", {"precision_at_5": 0.9})
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q", str(tmp_path)], ["add", "-A"], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], check=True)
    (project / "reports/runs/retrieval_finetuned_quality.json").write_text(json.dumps({"precision_at_5": 0.8}))
    failed = run()
    assert (failed.returncode, failed.stdout) == (1, "retrieval_finetuned_quality.json: precision_at_5: 0.9 -> 0.8\n")


def test_a_headline_may_be_empty_and_facts_keep_the_host_that_they_bring(tmp_path, monkeypatch):
    """own_data without a set has no figure, and its file all the same; truth takes figures over from another stage."""
    monkeypatch.chdir(tmp_path)
    results.record("own", {"sets": {}}, headline={})
    assert io.read_json("metrics/own.json") == {} and "commit" in io.read_json("reports/runs/own.json")["host"]
    results.keep("whole", {"mrr": 0.5, "host": {"commit": "abc"}})
    assert io.read_json("reports/runs/whole.json")["host"] == {"commit": "abc"}
    assert not (tmp_path / "metrics/whole.json").exists()
