"""Speed figures by hand, on made-up answers; no test here measures time."""

import dataclasses

import pytest

from mem0_slm import io
from mem0_slm.engines import Answer, EngineError
from pipeline import params, results
from pipeline.evaluation import speed
from pipeline.evaluation.settings import Target

# started at 10.0, first token after 0.5 s, then 0.1 s a token; the second one starts at 20.0 and is twice as slow
ANSWERS = [
    Answer("a", "length", 100, 3, 10.0, [10.5, 10.6, 10.7]),
    Answer("b", "length", 50, 3, 20.0, [21.0, 21.2, 21.4]),
]


def test_figures_by_hand():
    found = speed.figures(ANSWERS)
    assert (found["requests"], found["prompt_tokens"], found["output_tokens"]) == (2, 150, 6)
    assert (found["latency_mean_s"], found["latency_p50_s"]) == (1.05, 1.05)  # 0.7 and 1.4
    assert found["tokens_per_second"] == 2.86  # 6 / 2.1
    assert (found["first_token_p50_s"], found["prefill_tokens_per_second"]) == (0.75, 100.0)  # 150 / 1.5
    assert (found["decode_tokens_per_second"], found["inter_token_p50_s"], found["inter_token_p99_s"]) == (
        6.67,
        0.15,
        0.2,
    )  # 4 / 0.6
    assert "server_decode_tokens_per_second" not in found


def test_a_servers_own_clock_is_read_in_nanoseconds():
    answers = [
        dataclasses.replace(a, server={"eval_count": 30, "eval_duration": 500_000_000, "load_duration": 9_000_000_000})
        for a in ANSWERS
    ]
    assert speed.figures(answers)["server_decode_tokens_per_second"] == 60.0


def test_no_token_at_all_is_an_error_not_a_figure():
    with pytest.raises(EngineError, match="no request gave a token"):
        speed.figures([Answer("", "stop", 5, 0, 1.0, [])])


@pytest.mark.parametrize("clients", [1, 4])
def test_failed_requests_are_counted_by_cause(clients):
    def ask(job):
        if job % 2:
            raise ValueError("odd")
        return job

    answers, errors, seconds = speed.requests(ask, list(range(7)), clients)
    assert (answers, dict(errors)) == ([0, 2, 4, 6], {"ValueError: odd": 3})
    assert seconds > 0


def test_a_raw_sample_keeps_every_interval():
    assert speed.sample(ANSWERS[0], "general") == {
        "workload": "general",
        "clients": 1,
        "latency_s": 0.7,
        "first_token_s": 0.5,
        "inter_token_ms": [100.0, 100.0],
        "prompt_tokens": 100,
        "output_tokens": 3,
    }


def target(**changes):
    values = {"engine": "llama_cpp", "model": "/nowhere.gguf", "format": "GGUF", "precision": "Q8_0"} | changes
    return params.build(Target, values, "params.yaml", "finetuned_bench.targets.mine")


def test_metrics_files_hold_numbers_and_the_record_holds_everything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results.record(
        "x",
        {
            "share": 0.5,
            "share_ci": [0.4, 0.6],
            "ok": True,
            "sha256": "ab",
            "answers": ["hi"],
            "none": None,
            "nested": {"text": "t", "n": 1},
        },
        "numpy",
    )
    assert io.read_json("metrics/x.json") == {"share": 0.5, "share_ci": [0.4, 0.6], "ok": True, "nested": {"n": 1}}
    whole = io.read_json("reports/runs/x.json")
    assert (whole["sha256"], whole["answers"], whole["nested"]["text"]) == ("ab", ["hi"], "t")
    assert {"commit", "threads", "versions"} <= whole["host"].keys()


def test_a_table_is_written_with_empty_cells_and_six_digits(tmp_path):
    results.write_csv(tmp_path / "t.csv", ("step", "loss", "topic"), [[1, 0.123456789, "a, b"], [2, None, "c"]])
    assert (tmp_path / "t.csv").read_text() == 'step,loss,topic\n1,0.123457,"a, b"\n2,,c\n'


def test_a_headline_is_what_dvc_s_tables_show_and_the_record_keeps_the_rest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    figures = {"latency_mean_s": 0.5, "tokens_per_second": 128.0, "requests": 100}
    found = {"targets": {"q8": figures | {"load_s": 0.2}}, "not_run": {"q4": "EngineError: no such file"}}
    speed.record("speed", found, [])
    assert io.read_json("metrics/speed.json") == {
        "q8": figures,
        "q4": {"requests": 0},
    }  # one that did not run is there all the same
    assert io.read_json("reports/runs/speed.json")["targets"] == found["targets"]
    assert "q4: not run: EngineError: no such file" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"engine": "onnx"}, "engine: 'onnx' must be one of"),
        ({"prompts": 0}, "prompts: 0 must be a whole number, at least 1"),
        ({"load_in_4bit": True}, "load_in_4bit: True is an option of the transformers engine"),
    ],
)
def test_a_bad_target_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        target(**changes)
