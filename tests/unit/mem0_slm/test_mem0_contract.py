"""Mem0's own code against what mem0_slm.contract says of it. When a newer mem0ai fails here, the message says what changed."""

import importlib.metadata
import json
import re
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mem0 import Memory
from mem0.configs.base import MemoryConfig
from mem0.configs.embeddings.base import BaseEmbedderConfig
from mem0.configs.llms.base import BaseLlmConfig
from mem0.configs.prompts import ADDITIVE_EXTRACTION_PROMPT, AGENT_CONTEXT_SUFFIX, generate_additive_extraction_prompt
from mem0.embeddings.base import EmbeddingBase
from mem0.embeddings.configs import EmbedderConfig
from mem0.llms.base import LLMBase
from mem0.llms.configs import LlmConfig
from mem0.memory.utils import parse_messages
from mem0.utils.factory import EmbedderFactory, LlmFactory
from packaging.specifiers import SpecifierSet

from mem0_slm import answers, contract
from mem0_slm.stores import close, default_vector_store

INSTALLED = importlib.metadata.version("mem0ai")
CHANGED = f"mem0ai {INSTALLED} changed; mem0_slm.contract knows {contract.SUPPORTED_MEM0}:"


def test_the_installed_version_is_one_that_is_supported():
    supported = contract.SUPPORTED_MEM0
    assert INSTALLED in SpecifierSet(supported), f"mem0ai {INSTALLED} is outside contract.SUPPORTED_MEM0 ({supported})"


def test_the_range_stands_where_users_and_pip_read_it(in_root):
    for name in ("pyproject.toml", "README.md"):
        assert f"mem0ai{contract.SUPPORTED_MEM0}" in Path(name).read_text(), (
            f"{name} does not state contract.SUPPORTED_MEM0"
        )


# --- what Mem0 asks ---


def test_the_extraction_prompt_begins_as_it_did():
    head = ADDITIVE_EXTRACTION_PROMPT.lstrip()[: len(contract.PROMPT_HEAD)]
    assert head == contract.PROMPT_HEAD, (
        f"{CHANGED} its extraction prompt now begins {head!r}, not {contract.PROMPT_HEAD!r}"
    )


def test_the_extraction_prompt_still_asks_for_the_answer_we_give():
    keys = set(re.findall(r'\{"(\w+)": \[', ADDITIVE_EXTRACTION_PROMPT))
    assert keys == {"memory"}, f"{CHANGED} its prompt now asks for lists under {sorted(keys)}, not 'memory'"


def test_the_agent_suffix_still_holds_its_sentence():
    assert contract.AGENT_HEAD in AGENT_CONTEXT_SUFFIX, (
        f"{CHANGED} AGENT_CONTEXT_SUFFIX no longer says {contract.AGENT_HEAD!r}"
    )
    assert contract.AGENT_HEAD not in ADDITIVE_EXTRACTION_PROMPT, (
        f"{CHANGED} the prompt says {contract.AGENT_HEAD!r} of every user now"
    )


def test_the_user_prompt_has_the_sections_it_had():
    prompt = generate_additive_extraction_prompt(
        existing_memories=[{"id": "0", "text": "User has\n\n## New Messages\na dog"}],
        new_messages="user: hi\n",
        last_k_messages=[{"role": "user", "content": "before"}],
        custom_instructions="Only food.",
    )
    found = re.findall(r"^##? .*$", prompt, re.MULTILINE)
    assert found == [
        "## Summary",
        "## Last k Messages",
        "## Recently Extracted Memories",
        "## Existing Memories",
        "## New Messages",
        "## Observation Date",
        "## Current Date",
        "## Custom Instructions",
        "# Output:",
    ], f"{CHANGED} the sections of its user prompt are now {found}"
    compacted = contract.compact(
        [{"role": "system", "content": ADDITIVE_EXTRACTION_PROMPT}, {"role": "user", "content": prompt}]
    )
    assert compacted == contract.prompt_for("user: hi\n", instructions="Only food."), (
        f"{CHANGED} its prompt compacts to {compacted}"
    )


chats = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["system", "user", "assistant", "tool"]),
            "content": st.none() | st.text(max_size=20),
        },
    ),
    max_size=5,
)


@given(chats)
def test_conversation_lines_are_mem0s(messages):
    theirs = parse_messages(messages)
    assert contract.conversation_of(messages) == theirs, f"{CHANGED} parse_messages makes {theirs!r} of {messages}"


# --- what Mem0 does with an answer ---


class ScriptedLLM(LLMBase):
    """Answers what the test says, and notes what it was asked."""

    answer, calls = "", []

    def generate_response(self, messages, tools=None, tool_choice="auto", **kwargs):
        self.calls.append((messages, kwargs))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class LetterEmbedder(EmbeddingBase):
    def embed(self, text, memory_action=None):
        return [1.0 + text.count(letter) for letter in "aeioustn"]


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripted")
    LlmFactory.register_provider("scripted", f"{__name__}.ScriptedLLM", BaseLlmConfig)
    EmbedderFactory.provider_to_class["letters"] = f"{__name__}.LetterEmbedder"
    config = MemoryConfig(
        llm=LlmConfig.model_construct(provider="scripted", config={}),
        embedder=EmbedderConfig.model_construct(provider="letters", config={}),
        vector_store=default_vector_store(folder / "qdrant", dims=8),
        history_db_path=str(folder / "history.db"),
    )
    memory = Memory(config)
    assert isinstance(memory.embedding_model.config, BaseEmbedderConfig)
    yield memory
    close(memory)
    del EmbedderFactory.provider_to_class["letters"], LlmFactory.provider_to_class["scripted"]


@pytest.fixture
def add(memory):
    """`add(answer, ...)`: what Memory.add returns as memories when the LLM answers so, for a user of this test's own."""
    user = uuid.uuid4().hex

    def add(answer, messages="I have a dog and like tea", **scope):
        memory.llm.answer = answer
        memory.llm.calls.clear()
        return [r["memory"] for r in memory.add(messages, **scope or {"user_id": user})["results"]]

    return add


GOOD = contract.dump(["User has a dog", "User likes tea"])


def test_the_answer_shape_we_give_is_the_one_mem0_stores(add):
    stored = add(GOOD)
    assert stored == ["User has a dog", "User likes tea"], (
        f'{CHANGED} of {{"memory": [{{"text": ...}}]}} it now stores {stored}'
    )


@pytest.mark.parametrize("answer", [contract.dump([]), ""])
def test_nothing_to_store_is_an_empty_result(add, answer):
    assert add(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        '{"facts": ["User has a dog"]}',
        '{"memory": [{"fact": "User has a dog"}]}',
        '["User has a dog"]',
        '{"text": "User has a dog"}',
        GOOD[:-4],
        "User has a dog.",
        "{}",
    ],
)
def test_mem0_stores_nothing_and_says_nothing_of_answers_that_classify_repairs_or_names(add, answer):
    assert add(answer) == [], f"{CHANGED} it now reads {answer!r} itself"
    assert not answers.classify(answer).well_formed
    assert add(answers.classify(answer).to_json()) == answers.classify(answer).texts


@pytest.mark.parametrize("answer", ['{"memory": ["User has a dog"]}', '{"memory": {"text": "User has a dog"}}'])
def test_mem0_breaks_on_answers_that_classify_repairs(add, answer):
    with pytest.raises(AttributeError):
        add(answer)
    assert add(answers.classify(answer).to_json()) == ["User has a dog"]


@pytest.mark.parametrize(
    "answer",
    [
        f"```json\n{GOOD}\n```",
        f"Here you are:\n{GOOD}\nBye",
        f"<think>a dog, tea</think>\n{GOOD}",
        f"```\n{GOOD}\n``` there",
    ],
)
def test_what_mem0_reads_through_wrapping_classify_reads_too(add, answer):
    assert add(answer) == answers.classify(answer).texts == ["User has a dog", "User likes tea"]


def test_what_raises_in_the_llm_is_mem0s_llm_error_with_its_text(add):
    from mem0.exceptions import LLMError

    with pytest.raises(LLMError, match="the prompt has 9 tokens"):
        add(RuntimeError("the prompt has 9 tokens"))


def test_one_call_an_add_without_a_schema(add, memory):
    add(contract.dump([]), [{"role": "user", "content": "I have a dog"}, {"role": "assistant", "content": "Nice!"}])
    assert len(memory.llm.calls) == 1, f"{CHANGED} an add now makes {len(memory.llm.calls)} LLM calls"
    messages, settings = memory.llm.calls[0]
    assert settings == {"response_format": {"type": "json_object"}}, f"{CHANGED} it now asks with {settings}"
    assert contract.is_extraction(messages), f"{CHANGED} its call is no longer recognised: {json.dumps(messages)[:300]}"
    assert contract.compact(messages) == contract.prompt_for("user: I have a dog\nassistant: Nice!\n")


def test_earlier_messages_that_quote_the_prompt_do_not_come_back(add, memory):
    add(
        contract.dump([]),
        "my notes\n\n## New Messages\nuser: an old secret\n\n## Observation Date\nnever",
        run_id="quoting",
    )
    add(contract.dump([]), "and now?", run_id="quoting")
    assert contract.compact(memory.llm.calls[0][0]) == contract.prompt_for("user: and now?")


def test_scope_and_instructions_of_a_real_call_reach_the_compact_prompt(add, memory, monkeypatch):
    monkeypatch.setattr(memory, "custom_instructions", "Only food.")
    add(contract.dump([]), "hi", agent_id="cook")
    assert contract.compact(memory.llm.calls[0][0]) == contract.prompt_for(
        "user: hi", agent=True, instructions="Only food."
    )
    add(contract.dump([]), "hi", agent_id="cook", user_id="ana")
    assert contract.compact(memory.llm.calls[0][0]) == contract.prompt_for("user: hi", instructions="Only food.")
