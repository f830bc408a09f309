"""What the benchmarks against peers ask of the peers, and what they make of the answers; nothing here measures time."""

import re

import pytest

import benchmarks
from benchmarks import scoped_extraction, vllm_client
from benchmarks.scoped_extraction import Added
from mem0_slm import io
from mem0_slm.engines import vllm
from mem0_slm.text import holds
from pipeline.data import instructions
from pipeline.data.frames import read_frames
from pipeline.data.held_out import Reserved, ngrams
from pipeline.data.scopes import NEVER, ONLY
from pipeline.paths import SOURCES
from tests.peers import calls, peer
from tests.vllm_standin import serve


def test_figures_are_printed_and_written_with_the_machine(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    benchmarks.record("thing", {"ratio": 0.5, "rounds": [1, 2]}, "numpy", unprinted=("rounds",))
    written = io.read_json("benchmarks/thing.json")
    assert (written["ratio"], written["rounds"], list(written["host"]["versions"])) == (0.5, [1, 2], ["numpy"])
    shown = capsys.readouterr().out
    assert "ratio" in shown and "rounds" not in shown


RESULT = """
options = dict(word[2:].split("=", 1) for word in sys.argv[3:] if "=" in word)
prompts = [json.loads(line)["prompt"] for line in open(options["dataset-path"])]
n = len(prompts)
json.dump({"completed": n, "duration": 2.0, "total_output_tokens": n * TOKENS, "total_input_tokens": n, "mean_ttft_ms": 5.0}, open(options["result-dir"] + "/result.json", "w"))
"""


def test_vllm_s_own_client_gets_the_same_work(tmp_path, in_root):
    with serve() as server:
        handle = vllm.load(base_url=server.url)
        command = peer(tmp_path / "vllm", RESULT.replace("TOKENS", "4"))
        found = vllm_client.compare(handle, command, "folder", rounds=2, requests=3, new_tokens=4)
        asked = [body for path, body in server.requests if path == "/v1/chat/completions"]
        assert {(body["max_tokens"], body["ignore_eos"], body["temperature"]) for body in asked} == {(4, True, 0.0)}
        texts = [body["messages"][0]["content"] for body in asked]
        assert (
            len(texts) == len(set(texts)) == 3 + 2 * 2 * 3
        )  # a warm-up, two rounds of one and of four clients; no prompt twice
        wanted = {
            "base-url": server.url.removesuffix("/v1"),
            "model": "local",
            "custom-output-len": "4",
            "ignore-eos": True,
            "tokenizer": "folder",
            "num-prompts": "3",
        }
        assert all(wanted.items() <= call.items() for call in calls(command))
        assert sorted(call["max-concurrency"] for call in calls(command)) == ["1", "1", "4", "4"]
        assert (
            found["tokens_per_second"]["4"]["vllm_bench_serve"] == 6.0
            and found["requests_per_second"]["1"]["vllm_bench_serve"] == 1.5
        )
        assert found["within_target"] == all(ratio >= 0.95 for ratio in found["ratio"].values())
        with pytest.raises(SystemExit, match="different numbers of tokens"):
            vllm_client.compare(handle, peer(tmp_path / "short", RESULT.replace("TOKENS", "3")), "folder", 1, 3, 4)
        with pytest.raises(SystemExit, match="(?s)ended with 3.*no such option"):
            vllm_client.compare(
                handle, peer(tmp_path / "broken", "sys.exit(print('no such option') or 3)"), "folder", 1, 3, 4
            )
        vllm.close(handle)


def test_scoped_conversations_are_well_formed(in_root):
    instructed, for_agent = scoped_extraction.read()
    assert (len(instructed), len(for_agent)) == (30, 30)
    assert len({item["id"] for item in instructed + for_agent}) == 60
    for item in instructed + for_agent:
        assert [m["role"] for m in item["messages"]] == [
            ("user", "assistant")[i % 2] for i in range(len(item["messages"]))
        ]
        said = [m["content"] for m in item["messages"]]
        for key in item["keep"] + item["drop"]:
            assert any(holds(text, key) for text in said), (item["id"], key)
        assert not any(holds(kept, key) for kept in item["keep"] for key in item["drop"]), item[
            "id"
        ]  # what must be stored brings nothing forbidden with it
    for item in instructed:
        assert (
            item["instructions"].strip()
            and bool(item["keep"]) == (item["form"] != "none")
            and bool(item["drop"]) == (item["form"] != "anything")
        ), item["id"]
    assert all(bool(item["keep"]) == (item["form"] != "nothing") for item in for_agent)


def test_scoped_conversations_repeat_nothing_of_the_training_sources(in_root):
    frames = [frame for path in sorted((SOURCES / "train").glob("*.txt")) for frame in read_frames(path)]
    trained = [
        text
        for frame in frames
        for text in (frame.instructions, *(turn for _, turn in frame.turns), *frame.memories, *frame.known)
    ]
    trained += [
        text
        for row in io.read_jsonl(SOURCES / "instructions.jsonl", {"instruction": str, "output": str})
        for text in (instructions.alpaca_prompt(row), row["output"])
    ]
    runs = set().union(*(ngrams(text, Reserved.RUN) for text in trained))
    assert len(runs) > 10_000
    instructed, for_agent = scoped_extraction.read()
    for item in instructed + for_agent:
        for text in (item.get("instructions", ""), *(m["content"] for m in item["messages"])):
            assert not ngrams(text, Reserved.RUN) & runs, (item["id"], ngrams(text, Reserved.RUN) & runs)

    def sentences(text: str) -> set[str]:
        return {sentence.strip().casefold() for sentence in re.split(r"[.!?]", text)} - {""}

    made = [
        form.format(called)
        for row in io.read_jsonl(SOURCES / "scopes.jsonl")
        for called in row["called"]
        for form in ONLY + NEVER
    ]
    known = set().union(
        *(sentences(text) for text in [*made, *(frame.instructions for frame in frames)])
    )  # most are too short for a run of six words
    assert known and not any(sentences(item["instructions"]) & known for item in instructed)


def test_obedience_is_what_the_instructions_change():
    items = [
        {"id": "a", "form": "only", "keep": ["95 kg", "Ilse"], "drop": ["Ghent", "wool"]},
        {"id": "b", "form": "none", "keep": [], "drop": ["Piran"]},
        {"id": "c", "form": "anything", "keep": ["Namur"], "drop": []},
    ]
    everything = {
        "a": Added("stored", ["User squats 95 kg", "User's coach is Ilse; wool from Ghent"]),
        "b": Added("stored", ["User is in Piran"]),
        "c": Added("stored", ["Namur"]),
    }
    given = {
        "plain": everything,
        "asked": {
            "a": Added("stored", ["User squats 95 kg; wool"]),
            "b": Added("nothing", []),
            "c": Added("nothing", []),
        },
    }
    found = scoped_extraction.obedience(items, given)
    assert found["forbidden_stored"] == {
        "asked": {"count": 1, "share": 0.3333, "n": 3},
        "plain": {"count": 3, "share": 1.0, "n": 3},
    }
    assert found["obedience"] == 0.6667
    assert found["forbidden_stored_by_form"]["none"]["asked"] == {"count": 0, "share": 0.0, "n": 1}
    assert [found["clean_conversations"][side]["count"] for side in ("asked", "plain")] == [1, 0] and found[
        "clean_conversations"
    ]["asked_against_plain"]["only_ours"] == 1
    assert found["clean_with_all_kept"]["asked"] == {"count": 1, "share": 0.5, "n": 2}  # b: there was nothing to keep
    shared = scoped_extraction.figures(items, given)
    assert (
        shared["keys_kept"]["asked"] == {"count": 1, "share": 0.3333, "n": 3}
        and shared["keys_kept"]["plain"]["count"] == 3
    )
    assert shared["outcomes"] == {"asked": {"stored": 1, "nothing": 2}, "plain": {"stored": 3}}
    assert shared["nothing_to_store_stored"]["plain"] == {"count": 1, "share": 1.0, "n": 1}


def test_an_agent_s_memory_speaks_of_the_agent():
    items = [{"id": "a"}, {"id": "b"}]
    asked = {
        "a": Added("stored", ["Agent recommended bamboo; User likes it", "The agent told User of the Ducato"]),
        "b": Added("stored", ["User configured the agent", "Agents are welcome"]),
    }
    found = scoped_extraction.agent_view(
        items, {"asked": asked, "plain": {"a": Added("nothing", []), "b": Added("nothing", [])}}
    )
    assert found["memories_that_begin_with_agent"]["asked"] == {"count": 2, "share": 0.5, "n": 4}
    assert found["facts_that_begin_with_agent"]["asked"] == {"count": 2, "share": 0.4, "n": 5}
    assert found["memories_that_speak_of_the_agent"] == {
        "asked": {"count": 3, "share": 0.75, "n": 4},
        "plain": {"count": 0, "share": None, "n": 0},
    }
