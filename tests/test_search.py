"""The comparison of a search's experiments, from what `dvc exp show --json` says."""

from benchmarks.search import plot, rows_of, table


def experiment(name: str, rank: int, loss: float) -> dict:
    metrics = {"validation_loss": loss, "seconds": 10.0, "peak_rss_gib": 5}
    return {
        "name": name,
        "executor": None,
        "revs": [{
            "rev": "abc1234", "name": name, "error": None,
            "data": {
                "params": {"params.yaml": {"data": {"seed": 1, "finetune": {"lora_r": rank, "targets": ["q_proj"]}}}},
                "metrics": {"metrics/finetune.json": {"data": metrics}},
            },
        }],
    }  # fmt: skip


SHOWN = [
    {"rev": "workspace", "experiments": None},
    {"rev": "abc", "experiments": [
        experiment("wide", 32, 0.7), experiment("narrow", 8, 0.5),
        {"name": "broken", "executor": {"state": "failed"}, "revs": [{"rev": "d", "data": None, "error": {"msg": "no"}}]},
        experiment("waiting", 64, 0.1) | {"executor": {"state": "queued"}},
    ]},
]  # fmt: skip


def test_finished_experiments_are_rows_and_failed_ones_are_counted():
    rows, failed = rows_of(SHOWN)
    assert [(row["name"], row["params"]["finetune.lora_r"]) for row in rows] == [("wide", 32), ("narrow", 8)]
    assert failed == 1


def test_the_table_shows_what_differs_best_first():
    text, keys = table(*rows_of(SHOWN))
    assert keys == ["finetune.lora_r"]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert lines[0] == ["experiment", "finetune.lora_r", "validation loss", "seconds", "peak GiB"]
    assert [line[:3] for line in lines[1:]] == [["narrow", "8", "0.5"], ["wide", "32", "0.7"]]
    assert "2 experiments, 1 failed" in text


def test_the_plot_names_the_settings(tmp_path):
    rows, failed = rows_of(SHOWN)
    plot(rows, ["finetune.lora_r"], tmp_path / "search.svg")
    assert "lora_r 32" in (tmp_path / "search.svg").read_text()
