"""The llama.cpp engine with a real small model: what it receives, what it promises, and how it fails."""

import concurrent.futures
import json
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mem0_slm import contract, engines
from mem0_slm.answers import classify
from mem0_slm.engines import ContextOverflow, EngineError, llama_cpp
from tests.waiting import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DOG = contract.prompt_for("user: My dog Pimento is a greyhound\nassistant: Nice!\nuser: I work at Acme.")
NUMBER = {
    "type": "object",
    "properties": {"n": {"type": "integer", "maximum": 99}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def engine(base_gguf):
    handle = engines.load("llama_cpp", base_gguf, n_ctx=512, n_parallel=4, n_threads=1)
    yield handle
    llama_cpp.close(handle)


def ask(engine, messages=DOG, **options):
    return llama_cpp.generate(engine, messages, **{"max_tokens": 8} | options)


# --- what the model receives ---


def test_the_chat_template_is_the_models_own(engine):
    assert engine.model.render(contract.prompt_for("user: hi")) == (
        "<|im_start|>system\nExtract lasting facts as JSON memories.<|im_end|>\n"
        "<|im_start|>user\nuser: hi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_json_in_a_chat_template_is_written_as_other_engines_write_it(engine, monkeypatch):
    """transformers and llama.cpp's own templates write it plain; Jinja's filter writes escapes for HTML."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    text = "{{ messages[0] | tojson }}"
    messages = [{"role": "user", "content": 'é < "a" & it\'s'}]
    monkeypatch.setattr(engine.model.C, "llama_model_chat_template", lambda model, name: text.encode())
    rendered = engine.model._chat_template().render(messages=messages)
    assert rendered == _compile_jinja_template(text).render(messages=messages)
    assert rendered == '{"role": "user", "content": "é < \\"a\\" & it\'s"}'


def test_the_tokens_of_a_short_prompt(engine):
    assert llama_cpp.tokenize(engine, contract.prompt_for("user: hi")) == [
        1,
        9690,
        198,
        34683,
        9402,
        5307,
        347,
        20110,
        8269,
        30,
        2,
        198,
        1,
        4093,
        198,
        4093,
        42,
        15876,
        2,
        198,
        1,
        520,
        9531,
        198,
    ]


letters = st.text(
    st.characters(max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=8
)  # the vocabulary lacks some control characters


@given(
    st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "<|", "|>", "🐝", "你好", "\n"]) | letters, max_size=6).map(
        "".join
    )
)
@settings(max_examples=50)
def test_the_tokens_spell_the_prompt_and_no_text_makes_control_tokens(engine, said):
    prompt = contract.prompt_for(f"user: {said}")
    tokens = llama_cpp.tokenize(engine, prompt)
    assert b"".join(engine.model.piece(token, special=True) for token in tokens) == engine.model.render(prompt).encode()
    assert (tokens.count(1), tokens.count(2)) == (3, 2)  # <|im_start|>, <|im_end|>


def test_half_a_surrogate_pair_is_no_obstacle(engine):
    assert ask(engine, contract.prompt_for("user: \ud83d\x00"), max_tokens=1).output_tokens == 1


# --- what it promises ---


def test_greedy_is_repeatable_and_a_seed_repeats_a_sample(engine):
    assert ask(engine).text == ask(engine).text != ""
    hot = [ask(engine, temperature=5.0, seed=seed).text for seed in (1, 1, 2)]
    assert hot[0] == hot[1] != hot[2]


@pytest.mark.parametrize(
    "said", ["My dog Pimento is a greyhound\nassistant: Nice!\nuser: I work at Acme.", "Je m'appelle Zoë 🐝"]
)
def test_the_schema_gives_an_answer_that_mem0_reads(engine, said):
    answer = ask(engine, contract.prompt_for(f"user: {said}"), max_tokens=80, schema=contract.SCHEMA)
    assert answer.finish_reason == "stop"
    found = classify(answer.text)
    assert (found.well_formed, found.repaired) == (True, False)
    assert answer.text == json.dumps(json.loads(answer.text), ensure_ascii=False)  # the spacing of the training answers


@pytest.mark.parametrize("temperature", [0.0, 3.0])
def test_any_schema_holds_even_where_the_model_would_say_something_else(engine, temperature):
    answer = ask(engine, max_tokens=20, schema=NUMBER, temperature=temperature)
    assert answer.finish_reason == "stop"
    value = json.loads(answer.text)
    assert list(value) == ["n"] and type(value["n"]) is int and value["n"] <= 99


def test_an_answer_cut_at_its_limit_says_so(engine):
    answer = ask(engine, max_tokens=5, schema=contract.SCHEMA)
    assert (answer.finish_reason, answer.output_tokens) == ("length", 5)
    assert classify(answer.text, cut=True).outcome == "truncated"


def test_ignore_eos_writes_to_the_limit(engine):
    assert ask(engine, [{"role": "user", "content": "Say: yes"}], max_tokens=40, ignore_eos=True).output_tokens == 40


def test_an_answer_says_what_it_took(engine):
    before = time.perf_counter()
    answer = ask(engine)
    assert answer.prompt_tokens == len(llama_cpp.tokenize(engine, DOG))
    assert len(answer.token_times) == answer.output_tokens == 8
    assert before <= answer.started <= answer.token_times[0] <= answer.token_times[-1] <= time.perf_counter()
    assert answer.seconds == answer.token_times[-1] - answer.started > 0


def test_text_is_streamed_in_whole_characters(engine):
    pieces = []
    answer = ask(engine, [{"role": "user", "content": "Repeat: café 🐝🐝"}], max_tokens=24, on_text=pieces.append)
    assert "🐝" in answer.text
    assert "".join(pieces) == answer.text
    assert len(pieces) > 1 and not any("\ufffd" in piece for piece in pieces)


def test_what_the_schema_leaves_no_choice_about_costs_no_steps(engine, monkeypatch):
    steps, step = [], engine._step
    monkeypatch.setattr(engine, "_step", lambda running: (steps.append(1), step(running))[1])
    fixed = {
        "type": "object",
        "properties": {"known beforehand": {"const": "all but this"}},
        "required": ["known beforehand"],
    }
    fixed["additionalProperties"] = False
    answer = ask(engine, max_tokens=40, schema=fixed)
    assert (answer.text, answer.finish_reason) == ('{"known beforehand": "all but this"}', "stop")
    assert answer.output_tokens == len(answer.token_times) > 5 > len(steps)


def test_the_limit_holds_for_forced_tokens_too(engine):
    whole = ask(engine, max_tokens=80, schema=contract.SCHEMA)
    for n in (1, 2, 3, 4, 5):
        cut = ask(engine, max_tokens=n, schema=contract.SCHEMA)
        assert (cut.output_tokens, len(cut.token_times), cut.finish_reason) == (n, n, "length")
        assert whole.text.startswith(cut.text)


def test_forced_text_is_streamed_like_any_other(engine):
    pieces = []
    answer = ask(engine, max_tokens=80, schema=contract.SCHEMA, on_text=pieces.append)
    assert "".join(pieces) == answer.text


# --- how it fails ---


def test_a_prompt_that_does_not_fit_is_refused_with_numbers_before_any_work(engine, monkeypatch):
    monkeypatch.setattr(engine, "_step", lambda running: pytest.fail("work was done"))
    long = contract.prompt_for("user: " + "tea " * 600)
    tokens = len(llama_cpp.tokenize(engine, long))
    with pytest.raises(ContextOverflow) as error:
        ask(engine, long, max_tokens=100)
    assert (error.value.prompt_tokens, error.value.limit) == (tokens, 412)
    assert str(error.value).startswith(f"the prompt has {tokens} tokens; the context window of 512 leaves 412 for it. ")
    assert "larger n_ctx" in str(error.value)


def test_a_prompt_that_just_fits_is_answered(engine):
    tokens = len(llama_cpp.tokenize(engine, DOG))
    assert ask(engine, max_tokens=512 - tokens, schema=NUMBER).finish_reason == "stop"
    with pytest.raises(ContextOverflow):
        ask(engine, max_tokens=513 - tokens)


NAMES = ["Ana", "Pablo", "Olga", "Zoe", "Henry", "Maria", "Tom", "Lucy"]


def test_many_threads_at_once_each_get_their_own_answer(engine):
    def sister(name):
        return ask(
            engine, contract.prompt_for(f"user: My sister {name} has a boat."), max_tokens=18, schema=contract.SCHEMA
        ).text

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(sister, NAMES * 2))
    heard = [[name for name in NAMES if name in answer] for answer in answers]
    assert [names for names, own in zip(heard, NAMES * 2, strict=True) if set(names) - {own}] == []
    assert sum(map(len, heard)) >= 12  # so small a model does not always repeat a name


def test_each_of_many_requests_is_held_to_its_own_schema(engine):
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda i: ask(engine, schema={"const": i}).text, range(12)))
    assert answers == [str(i) for i in range(12)]


def test_what_a_callback_raises_ends_its_own_request_only(engine):
    def stop(text):
        raise KeyError("enough")

    started, go = threading.Event(), threading.Event()

    def hold(text):
        started.set()
        go.wait(PATIENCE)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        other = pool.submit(ask, engine, on_text=hold)
        started.wait(PATIENCE)
        ended = pool.submit(ask, engine, on_text=stop)
        go.set()
        with pytest.raises(KeyError, match="enough"):
            ended.result(PATIENCE)
        assert other.result(PATIENCE).output_tokens == 8
    assert ask(engine).output_tokens == 8


def test_a_failed_step_reaches_its_callers_and_the_engine_goes_on(engine, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(engine.model.C, "llama_decode", lambda context, batch: -3)
        with pytest.raises(EngineError, match=r"could not compute a batch of 47 tokens \(code -3\)"):
            ask(engine)
    assert ask(engine).output_tokens == 8


def test_a_schema_that_cannot_be_used_is_refused(engine):
    with pytest.raises(EngineError, match="the JSON schema cannot be used: "):
        ask(engine, schema={"type": "nonsense"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file. Make it first, or pass the path of a GGUF file."),
        (b"", "not a GGUF file (it begins with b''). Fetch it or make it again."),
        (b"PK\x03\x04 zip", "not a GGUF file (it begins with b'PK\\x03\\x04'). Fetch it or make it again."),
        (
            b"GGUF\x03\0\0\0",
            "llama.cpp cannot load it (damaged, or an architecture it does not know). Fetch it or make it again.",
        ),
    ],
)
@pytest.mark.parametrize("what", ["model", "lora"])
def test_missing_and_damaged_files_are_named(tmp_path, base_gguf, what, content, message):
    path = tmp_path / "m.gguf"
    if content is not None:
        path.write_bytes(content)
    if what == "lora" and content and content.startswith(b"GGUF"):
        message = f"llama.cpp cannot apply this adapter to {base_gguf}. Export it again from an adapter of this base."
    with pytest.raises(EngineError) as error:
        llama_cpp.load(path, n_ctx=64, n_threads=1) if what == "model" else llama_cpp.load(
            base_gguf, lora=path, n_ctx=64, n_threads=1
        )
    assert str(error.value) == f"{path}: {message}"


def test_a_file_cut_short_is_refused(tmp_path, base_gguf):
    path = tmp_path / "half.gguf"
    with open(base_gguf, "rb") as f:
        path.write_bytes(f.read(40_000_000))
    with pytest.raises(EngineError, match="cannot load it"):
        llama_cpp.load(path, n_ctx=64, n_threads=1)


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(EngineError, match=r"^engine 'gpt' is unknown. Use one of: llama_cpp, transformers"):
        engines.load("gpt", "model")


CLOSE = """
import sys, threading
from mem0_slm.engines import EngineError, llama_cpp
handle = llama_cpp.load(sys.argv[1], n_ctx=128, n_threads=1)
messages = [{"role": "user", "content": "Count to a hundred."}]
started = threading.Event()
answers = []
options = {"max_tokens": 12, "ignore_eos": True, "on_text": lambda text: started.set()}
running = threading.Thread(target=lambda: answers.append(llama_cpp.generate(handle, messages, **options)))
running.start()
started.wait()
llama_cpp.close(handle)
llama_cpp.close(handle)
running.join()
print(answers[0].output_tokens, handle._worker.is_alive())
for use in (llama_cpp.generate, llama_cpp.tokenize):
    try:
        use(handle, messages)
    except EngineError as error:
        print(error)
"""


def test_closing_finishes_what_runs_and_refuses_what_comes_after(base_gguf):
    # in a process of its own: a fault in the C library would end this one
    run = subprocess.run(
        [sys.executable, "-c", CLOSE, base_gguf], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (run.returncode, run.stdout.splitlines()) == (0, ["12 False", *[f"{base_gguf}: the engine is closed."] * 2])


def test_the_set_up_builds_llama_cpp_with_threads_of_its_own():
    """With OpenMP, whose threads PyTorch's embedder shares in the same process, it is a third slower."""
    import llama_cpp

    assert b"OPENMP" not in llama_cpp.llama_print_system_info()
