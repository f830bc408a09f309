"""The training data: repeatable, in the serving form, and with nothing of the evaluation in it."""

import dataclasses
import json
import os
import random
import re
import subprocess
import sys

import pytest

from mem0_slm import contract, io
from mem0_slm.answers import classify
from pipeline import params
from pipeline.data import teacher
from pipeline.data.build import build
from pipeline.data.dataset_card import dataset_card
from pipeline.data.eval_items import EvalItem
from pipeline.data.examples import as_memories, conversation, extraction_examples, joined
from pipeline.data.frames import Frame, read_frames
from pipeline.data.held_out import Reserved, evaluation_set
from pipeline.data.instructions import instruction_examples
from pipeline.data.scopes import NEVER, ONLY, Plan, Scopes
from pipeline.data.settings import GenerateDatasetSettings
from pipeline.data.slots import SLOT, Values
from pipeline.paths import SOURCES
from tests.paths import ROOT

SMALL = GenerateDatasetSettings(
    extraction_n=60,
    validation_n=10,
    instructions_n=10,
    instructions="offline",
    memory_words=45,
    joined_share=0.2,
    noisy_share=0.3,
)
ONE_A_FACT = SMALL.changed(memory_words=0, noisy_share=0.0)
NOISY = SMALL.changed(memory_words=0, noisy_share=1.0)


@pytest.fixture(scope="module")
def built():
    """The data sets of the repository's own parameters and seed, and the counts for the metrics."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return build(params.load(GenerateDatasetSettings, "generate_dataset"), params.read()["seed"])


@pytest.fixture(scope="module")
def frames():
    return [frame for path in sorted((ROOT / SOURCES / "train").glob("*.txt")) for frame in read_frames(path)]


def plain(text: str) -> str:
    """The words of a text, in a form in which one can be looked for in another."""
    return " " + " ".join(re.findall(r"\w+", text.casefold())) + " "


def runs(text: str, n: int) -> set[str]:
    words = plain(text).split()
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}


def texts_of(rows) -> list[str]:
    return [m["content"] for row in rows for m in row["messages"] if m["role"] != "system"]


def told(example) -> list[str]:
    return classify(example["messages"][-1]["content"]).texts


# --- memories that are "contextually rich, not atomic", as Mem0 asks for them ---


def test_facts_are_unified_up_to_the_number_of_words():
    facts = ["User has a dog", "User's dog is 4", "User lives in Oslo"]  # 4, 4 and 4 words
    assert as_memories(facts, 0) == facts
    assert as_memories(facts, 8) == ["User has a dog; User's dog is 4", "User lives in Oslo"]
    assert as_memories(facts, 12) == ["User has a dog; User's dog is 4; User lives in Oslo"]
    assert as_memories([], 12) == []


def test_a_fact_longer_than_that_stays_whole_and_alone():
    assert as_memories(["User has a dog", "User lives in the town of Oslo", "User sails"], 6) == [
        "User has a dog",
        "User lives in the town of Oslo",
        "User sails",
    ]


def test_joined_conversations_keep_every_word_in_order_and_take_turns():
    first, second = (
        [{"role": "user", "content": "I keep bees"}],
        [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "4"}],
    )
    seen = set()
    for seed in range(40):
        messages = joined(first, second, random.Random(seed))
        roles = [m["role"] for m in messages]
        assert all(a != b for a, b in zip(roles, roles[1:]))
        seen.add(len(messages))
        said = " ".join(m["content"] for m in messages)
        assert said.index("I keep bees") < said.index("What is 2 + 2?") < said.index("4", said.index("?"))
        if len(messages) == 2:
            assert messages[0]["content"] == "I keep bees. What is 2 + 2?"
    assert seen == {2, 4}  # in one breath, and one after the other


def examples_of(frames, n=200, joined_share=0.0):
    return extraction_examples(
        frames, n, Values("train", 1), Reserved([]), ONE_A_FACT.changed(joined_share=joined_share), 1, {}
    )


AGENTS = Frame("t", [("user", "You are a florist")], ["Agent is configured to be a florist"], "f:1", agent=True)
TOLD = Frame(
    "t",
    [("user", "I'm Jo and I paint")],
    ["User is Jo", "User paints"],
    "f:2",
    instructions="No names.",
    superfluous=frozenset({"User is Jo"}),
)
KNOWN = Frame(
    "t",
    [("user", "My cat purrs")],
    ["User has a cat"],
    "f:3",
    known=("User's cat is Max",),
    superfluous=frozenset({"User has a cat"}),
)
EMPTY = Frame("t", [("user", "Morning!")], [], "f:4")


def test_an_agents_example_is_asked_with_the_agents_prompt():
    [prompt] = {json.dumps(e["messages"]) for e in examples_of([AGENTS])}
    assert json.loads(prompt) == [
        *contract.prompt_for("user: You are a florist", agent=True),
        {"role": "assistant", "content": contract.dump(AGENTS.memories)},
    ]


def test_instructions_stand_in_the_prompt_and_decide_what_is_stored():
    asked = {e["messages"][1]["content"]: told(e) for e in examples_of([TOLD])}
    assert asked == {
        contract.prompt_for("user: I'm Jo and I paint", instructions="No names.")[1]["content"]: ["User paints"],
        "user: I'm Jo and I paint": ["User is Jo", "User paints"],  # now and then without them
    }


def test_known_memories_are_not_asked_and_all_is_to_be_stored():
    assert {(e["messages"][1]["content"], *told(e)) for e in examples_of([KNOWN])} == {
        ("user: My cat purrs", "User has a cat")
    }


def test_frames_for_an_agent_or_with_instructions_are_never_joined():
    examples = examples_of([AGENTS, TOLD, KNOWN, EMPTY], joined_share=1.0)
    alone = {e["from"] for e in examples if "f:1" in e["from"] or "f:2" in e["from"]}
    assert alone == {"f:1", "f:2"}
    assert any("+" in e["from"] for e in examples)


@pytest.fixture
def scopes(tmp_path):
    """Cats and trains have nothing to do with each other; dogs touch cats."""
    rows = [
        {"scope": "cats", "topics": ["cats"], "near": ["dogs"], "called": ["cats"]},
        {"scope": "dogs", "topics": ["dogs"], "near": [], "called": ["dogs"]},
        {"scope": "trains", "topics": ["trains"], "near": [], "called": ["trains"]},
    ]
    io.write_jsonl(tmp_path / "scopes.jsonl", rows)
    return tmp_path / "scopes.jsonl"


CATS = Frame("cats", [("user", "My cat is Max")], ["User's cat is Max"], "f:5")
DOGS = Frame("dogs", [("user", "My dog is Rex")], ["User's dog is Rex"], "f:6")
TRAINS = Frame("trains", [("user", "I drive trains")], ["User drives trains"], "f:7")


def test_instructions_about_a_topic_decide_what_is_stored(scopes):
    every = ONE_A_FACT.changed(joined_share=0.0, scoped_share=1.0)
    examples = extraction_examples([CATS, TRAINS], 400, Values("train", 1), Reserved([]), every, 1, {}, scopes)
    only, never = (
        {form.format(topic).capitalize(): topic for form in forms for topic in ("cats", "trains")}
        for forms in (ONLY, NEVER)
    )
    seen = set()
    for example in examples:
        said, _, instruction = example["messages"][1]["content"].partition(contract.CUSTOM_INSTRUCTIONS)
        kept = {
            topic
            for topic, word in (("cats", "cat"), ("trains", "trains"))
            if any(word in memory for memory in told(example))
        }
        talked = {topic for topic, word in (("cats", "My cat"), ("trains", "I drive")) if word in said}
        topic = only.get(instruction.capitalize()) or never[instruction.capitalize()]
        assert kept == (talked & {topic} if instruction.capitalize() in only else talked - {topic})
        seen.add((instruction.capitalize() in only, len(talked), len(kept)))
    # only and never; of one conversation all or nothing, of two exactly one
    assert seen == {(True, 1, 0), (True, 1, 1), (True, 2, 1), (False, 1, 0), (False, 1, 1), (False, 2, 1)}


def test_no_instruction_is_about_a_topic_that_the_conversation_may_touch_as_well(scopes):
    assert Scopes(scopes, [CATS, DOGS]).plan(CATS, random.Random(1)) == Plan(CATS)
    assert Scopes(scopes, [CATS, DOGS]).plan(DOGS, random.Random(1)) == Plan(DOGS)


def test_the_topics_that_instructions_are_about_are_those_of_the_conversations(frames):
    topics = {frame.topic for frame in frames}
    rows = io.read_jsonl(ROOT / SOURCES / "scopes.jsonl")
    assert {topic for row in rows for topic in row["topics"]} <= topics
    assert len({topic for row in rows for topic in row["topics"]}) == sum(
        len(row["topics"]) for row in rows
    )  # each in one scope


def test_instructions_that_repeat_the_evaluation_are_left_out():
    held = Reserved([EvalItem("z", [], keys=["Zanzibar"])])
    left_out = {"value": 0}
    named = dataclasses.replace(TOLD, instructions="Nothing of Zanzibar.")
    examples = extraction_examples(
        [named, EMPTY], 40, Values("train", 1), held, ONE_A_FACT.changed(joined_share=0.0), 1, left_out
    )
    assert {e["messages"][1]["content"] for e in examples} == {"user: I'm Jo and I paint", "user: Morning!"}


# --- repeatable ---


def test_the_same_seed_builds_the_same_data_and_another_seed_does_not(in_root):
    first, again, other = build(SMALL, 1), build(SMALL, 1), build(SMALL, 2)
    assert first == again
    assert all(first[0][name] != other[0][name] for name in ("train", "validation", "eval"))


def test_the_values_are_the_same_in_every_process():
    """Whatever the order is in which a process goes through a set."""
    code = "from pipeline.data.slots import Values; v = Values('train', 1); print([v.value(slot) for slot in Values.slots() for _ in range(40)])"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(said) == 1


def test_sizes_are_as_asked_and_counted(in_root):
    sets, counts = build(SMALL, 1)
    kinds = [e["kind"] for e in sets["train"]]
    assert (kinds.count("extraction"), kinds.count("instruction"), len(sets["validation"])) == (60, 10, 10)
    assert (counts["train"]["extraction"], counts["train"]["instructions"], counts["validation"]["extraction"]) == (
        60,
        10,
        10,
    )
    assert kinds != sorted(kinds)  # mixed, not one kind after the other


# --- the form ---


def test_a_training_example_is_the_call_that_mem0_will_make(built):
    for example in [e for e in built[0]["train"] + built[0]["validation"] if e["kind"] == "extraction"]:
        *prompt, answer = example["messages"]
        said, _, instructions = prompt[1]["content"].partition(contract.CUSTOM_INSTRUCTIONS)
        assert prompt == contract.prompt_for(
            said, agent=prompt[0]["content"] == contract.AGENT_PROMPT, instructions=instructions
        ), example["from"]
        assert plain(prompt[1]["content"]).startswith((" user ", " assistant ")), example["from"]
        found = classify(answer["content"])
        assert found.well_formed and not found.repaired, example["from"]
        assert answer == {"role": "assistant", "content": contract.dump(found.texts)}, example["from"]


def test_no_slot_is_left_unfilled(built):
    left = [
        (text, SLOT.search(text).group(0)) for rows in built[0].values() for text in texts_of(rows) if SLOT.search(text)
    ]
    assert left == []


def test_at_least_a_fifth_has_nothing_to_store(built):
    empty = [not told(e) for e in built[0]["train"] if e["kind"] == "extraction"]
    share = sum(empty) / len(empty)
    assert 0.2 <= share <= 0.5
    assert built[1]["train"]["nothing_to_store_share"] == round(share, 4)


def test_validation_frames_are_not_in_training(built):
    places = [{place for e in built[0][name] for place in e["from"].split("+")} for name in ("train", "validation")]
    assert places[1]
    assert not places[0] & places[1]


# --- no leak ---


def evaluation(built) -> list[dict]:
    return built[0]["eval"] + built[0]["natural"]


def test_no_run_of_six_words_of_the_evaluation_is_in_training(built):
    held = set().union(*(runs(text, 6) for text in texts_of(evaluation(built))))
    shared = [run for text in texts_of(built[0]["train"] + built[0]["validation"]) for run in runs(text, 6) & held]
    assert shared == []


def test_no_value_or_name_of_the_evaluation_is_in_training(built):
    values = {v for item in evaluation(built) for v in item["values"]}
    named = {k for item in evaluation(built) for k in item["keys"] if " " in k or k[0].isupper()}
    training = "\n".join(map(plain, texts_of(built[0]["train"] + built[0]["validation"])))
    assert len(values) > 100 and len(named) > 100
    assert [phrase for phrase in values | named if plain(phrase).strip() and plain(phrase) in training] == []


def test_evaluation_items_share_no_value_with_each_other(built):
    values = [v for item in evaluation(built) for v in item["values"]]
    assert len(values) == len(set(values))


def test_every_key_of_the_evaluation_is_said_in_its_messages(built):
    for item in evaluation(built):
        said = " ".join(m["content"] for m in item["messages"]).casefold()
        assert all(key.casefold() in said for key in item["keys"]), item["id"]
        assert bool(item["query"]) == bool(item["facts"]) == bool(item["keys"]), item["id"]


def test_a_key_that_nobody_says_is_refused(tmp_path):
    messages = [{"role": "user", "content": "I like tea"}]
    io.write_jsonl(
        tmp_path / "e.jsonl",
        [{"id": "e9", "messages": messages, "facts": ["User likes tea"], "keys": ["coffee"], "query": "?"}],
    )
    with pytest.raises(io.DataError) as error:
        evaluation_set(tmp_path / "e.jsonl", Values("eval", 1))
    assert str(error.value) == f"{tmp_path}/e.jsonl: item e9: key 'coffee' does not occur in its messages"


# --- instructions ---


def test_more_instructions_than_there_are_is_an_error_with_both_numbers(in_root):
    rows = io.read_jsonl("data/sources/instructions.jsonl")
    with pytest.raises(io.DataError) as error:
        build(SMALL.changed(instructions_n=1000), 1)
    asked, has = re.search(
        r"instructions_n: (\d+) asked for, data/sources/instructions.jsonl has (\d+) that can be used", str(error.value)
    ).groups()
    # fewer than the file holds: answers in JSON would teach the wrong JSON, and none may repeat the evaluation
    assert int(asked) == 1000
    assert 100 < int(has) < len(rows)


def test_an_alpaca_file_is_read_in_its_own_form(tmp_path):
    rows = [
        {"instruction": "Add.", "input": "1 and 2", "output": "3"},
        {"instruction": "JSON?", "input": "", "output": ' {"a": 1}'},
    ]
    (tmp_path / "alpaca.json").write_text(json.dumps([*rows, {"instruction": "?", "input": "", "output": ""}]))
    [example] = instruction_examples(str(tmp_path / "alpaca.json"), 1, Reserved([]).repeats, seed=1)
    assert example == {
        "kind": "instruction",
        "topic": "instruction",
        "from": "alpaca.json",
        "messages": [{"role": "user", "content": "Add.\n\n1 and 2"}, {"role": "assistant", "content": "3"}],
    }


# --- frames and noise ---


def test_every_frame_parses_and_every_slot_is_known(frames):
    assert len(frames) > 1000
    values = Values("train", 1)
    for frame in frames:
        conversation(frame, values, random.Random(0), ONE_A_FACT)
    assert len({frame.place for frame in frames}) == len(frames)


def test_no_braces_are_left_that_look_like_a_slot(frames):
    odd = re.compile(r"\{\w*\}")
    texts = [(f.place, text) for f in frames for text in [*(text for _, text in f.turns), f.instructions, *f.known]]
    assert [place for place, text in texts for m in odd.finditer(text) if not SLOT.fullmatch(m.group(0))] == []


class SlotNames:
    """Stands in for Values: a slot's value is its name with a capital, so that two fillings are the same."""

    @staticmethod
    def fill(texts):
        return [SLOT.sub(lambda m: m.group(1).capitalize() + m.group(2), text) for text in texts], {}


def test_noise_never_misspells_a_word_that_a_memory_keeps(frames):
    spoilt = []
    for frame in frames:
        frame = dataclasses.replace(frame, instructions="")  # which are sometimes left away, and then more is kept
        clean = conversation(frame, SlotNames, random.Random(0), ONE_A_FACT)
        kept = set(plain(" ".join(clean.memories)).split())
        for seed in range(4):
            noisy = conversation(frame, SlotNames, random.Random(f"{frame.place} {seed}"), NOISY)
            for before, after in zip(clean.messages, noisy.messages, strict=True):
                lost = set(plain(before["content"]).split()) - set(plain(after["content"]).split())
                spoilt += [(frame.place, word) for word in kept & lost]
    assert spoilt == []


def test_noise_is_on_the_users_side_only():
    frame = Frame("t", [("user", "Well, hello there, friend."), ("assistant", "Well, hello there, friend.")], [])
    heard = [conversation(frame, SlotNames, random.Random(seed), NOISY).messages for seed in range(40)]
    assert {messages[1]["content"] for messages in heard} == {"Well, hello there, friend."}
    typed = {messages[0]["content"] for messages in heard}
    assert typed >= {"well, hello there, friend.", "Well hello there friend", "Well, hlelo there, friend."}


# --- other sources, and the card ---

ALPACA = ROOT.parent / "shared" / "alpaca" / "alpaca_en_demo.json"


@pytest.mark.skipif(not ALPACA.is_file(), reason=f"{ALPACA}, 999 real examples, is not there")
def test_real_alpaca_examples_are_mixed_in(in_root):
    sets, counts = build(SMALL.changed(instructions=str(ALPACA), instructions_n=300), 1)
    examples = [e for e in sets["train"] if e["kind"] == "instruction"]
    assert len(examples) == counts["train"]["instructions"] == 300
    assert {e["from"] for e in examples} == {"alpaca_en_demo.json"}
    answers = [e["messages"][-1]["content"] for e in examples]
    assert len(set(answers)) > 290 and not any(answer.lstrip().startswith("{") for answer in answers)


@pytest.mark.skipif(not ALPACA.is_file(), reason=f"{ALPACA}, 999 real examples, is not there")
def test_more_than_alpaca_has_is_an_error_with_both_numbers(in_root):
    with pytest.raises(
        io.DataError, match=r"instructions_n: 2000 asked for, \S+alpaca_en_demo.json has 9\d\d that can be used"
    ):
        build(SMALL.changed(instructions=str(ALPACA), instructions_n=2000), 1)


def test_what_is_taught_is_checked_where_the_parameters_say_so(built, in_root):
    counts, unchecked = built[1], build(SMALL, 1)[1]
    names = ("targets_checked", "targets_repaired", "targets_unjudged", "examples_left_out_by_gate")
    assert not set(names) & set(unchecked)
    checked, repaired, unjudged, left_out = (counts[name] for name in names)
    files = {path.name for path in (SOURCES / "train").glob("*.txt")}
    assert set(checked) == files - {"agent.txt", "instructions.txt"}
    assert all(repaired.get(file, 0) + unjudged.get(file, 0) <= n for file, n in checked.items())
    assert counts["train"]["frames"] + counts["validation"]["frames"] + sum(left_out.values()) == (
        unchecked["train"]["frames"] + unchecked["validation"]["frames"]
    )


def test_what_a_teacher_gives_is_mixed_in_and_counted(in_root, monkeypatch):
    taught = {
        "kind": "extraction",
        "topic": "food",
        "from": "teacher:x",
        "messages": [*contract.prompt_for("user: I eat\n"), {"role": "assistant", "content": contract.dump([])}],
    }
    monkeypatch.setattr(
        teacher,
        "ask_teacher",
        lambda name, n, *rest: ([taught], {"asked": n, "kept": 1, "rejected": {"truncated": n - 1}}),
    )
    with_teacher = SMALL.changed(teacher="llama_cpp:big.gguf", teacher_n=5)
    sets, counts = build(with_teacher, 1)
    plain_sets, plain_counts = build(SMALL, 1)
    assert counts["teacher"] == {"asked": 5, "kept": 1, "rejected": {"truncated": 4}}
    assert taught in sets["train"] and "teacher" not in plain_counts
    assert len(sets["train"]) == len(plain_sets["train"]) + 1
    assert "1 of 5 conversations asked of `llama_cpp:big.gguf`" in dataset_card(with_teacher, sets, counts)


def test_a_teacher_of_no_known_engine_is_refused():
    with pytest.raises(
        ValueError, match=r"teacher: 'gpt:x' must be none or <engine>:<model>, with an engine of llama_cpp, "
    ):
        SMALL.changed(teacher="gpt:x")


def test_the_card_says_counts_lengths_licences_and_sources(in_root):
    sets, counts = build(SMALL, 1)
    text = dataset_card(SMALL, sets, counts)
    lengths = sorted(len(re.findall(r"\w+", " ".join(m["content"] for m in e["messages"]))) for e in sets["validation"])
    assert f"| validation | 10 | {(lengths[4] + lengths[5]) / 2:.0f} | {lengths[8]} | {lengths[9]} |" in text
    assert "| train, extraction | 60 |" in text and "| train, general instructions | 10 |" in text
    assert f"{counts['train']['frames']} conversations for training" in text
    assert "Apache-2.0" in text and "Faker (MIT)" in text
    assert "CC BY-NC 4.0" in dataset_card(SMALL.changed(instructions="hub"), sets, counts)
