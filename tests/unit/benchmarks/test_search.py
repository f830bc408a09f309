"""The comparison of a search's experiments, from what `dvc exp show --json` says."""

import json
import subprocess

from benchmarks import search
from benchmarks.search import compared, rows_of


def experiment(name: str, rank: int, loss: float) -> dict:
    metrics = {"validation_loss": loss, "seconds": 10.0, "peak_rss_gib": 5}
    return {
        "name": name,
        "executor": None,
        "revs": [
            {
                "rev": "abc1234",
                "name": name,
                "error": None,
                "data": {
                    "params": {
                        "params.yaml": {"data": {"seed": 1, "finetune": {"lora_r": rank, "targets": ["q_proj"]}}}
                    },
                    "metrics": {"metrics/finetune.json": {"data": metrics}},
                },
            }
        ],
    }


SHOWN = [
    {"rev": "workspace", "experiments": None},
    {
        "rev": "abc",
        "experiments": [
            experiment("wide", 32, 0.7),
            experiment("narrow", 8, 0.5),
            {
                "name": "broken",
                "executor": {"state": "failed"},
                "revs": [{"rev": "d", "data": None, "error": {"msg": "no"}}],
            },
            experiment("waiting", 64, 0.1) | {"executor": {"state": "queued"}},
        ],
    },
]


def test_finished_experiments_are_rows_and_failed_ones_are_counted():
    rows, failed = rows_of(SHOWN)
    assert [(row["name"], row["params"]["finetune.lora_r"]) for row in rows] == [("wide", 32), ("narrow", 8)]
    assert failed == 1


def test_what_differs_is_shown_best_first():
    best, other = compared(rows_of(SHOWN)[0])
    assert best == {
        "name": "narrow",
        "params": {"finetune.lora_r": 8},
        "metrics": {"validation_loss": 0.5, "seconds": 10.0, "peak_rss_gib": 5},
    }
    assert other["params"] == {"finetune.lora_r": 32}


def test_the_search_is_written_for_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, json.dumps(SHOWN), ""))
    search.main()
    written = json.loads((tmp_path / "benchmarks/search.json").read_text())
    assert [e["name"] for e in written["experiments"]] == ["narrow", "wide"] and written["failed"] == 1
