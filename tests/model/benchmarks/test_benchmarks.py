"""Benchmarks that run a model or torch; nothing here measures time."""

import os
import statistics
import subprocess
import sys

from benchmarks import overhead
from mem0_slm import io
from tests.peers import calls, peer


def test_llama_bench_decodes_from_the_depth_of_our_prompt_as_many_tokens(tmp_path, in_root, base_gguf):
    bench = peer(tmp_path / "llama-bench", "print(json.dumps([{'avg_ts': 50.0}]))")
    found = overhead.compare(str(base_gguf), rounds=2, new_tokens=4, threads=1, bench=bench)
    assert [row["depth"] for row in found["rounds"]] == [int(c["d"]) for c in calls(bench)][
        1:
    ]  # the first round warms up
    assert {(c["m"], c["p"], c["n"], c["t"], c["r"]) for c in calls(bench)} == {(str(base_gguf), "0", "3", "1", "1")}
    assert all(row["depth"] > 10 and row["llama_bench"] == 50.0 and row["same_text"] for row in found["rounds"])
    assert found["ratio"]["llama_bench"] == round(statistics.median(row["ours"] / 50.0 for row in found["rounds"]), 4)
    assert found["within_target"]["llama_bench"] == (found["ratio"]["llama_bench"] >= 0.95)
    assert set(overhead.compare(str(base_gguf), rounds=1, new_tokens=2, threads=1)["ratio"]) == {"bare"}


def test_a_training_that_cannot_run_stands_in_the_gpu_result_with_its_error(tmp_path, in_root):
    (tmp_path / "params.yaml").write_bytes((in_root / "params.yaml").read_bytes())  # the folder has no base and no data
    command = [sys.executable, "-m", "benchmarks.gpu_training", "--sides", "unsloth_nf4", "peft"]
    environment = os.environ | {"PYTHONPATH": str(in_root), "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    written = io.read_json(tmp_path / "benchmarks/gpu_training.json")
    assert written["gpu"] == "none"
    assert "finetune.trainer: unsloth: there is no CUDA GPU" in written["unsloth_nf4"]["error"]
    assert "models/base/hf" in written["peft"]["error"]
