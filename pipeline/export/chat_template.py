"""The swap of `mem0_slm.contract.compact` inside a model's Jinja chat template."""

import json
from pathlib import Path

from mem0_slm import contract, io
from mem0_slm.contract import (
    AGENT_HEAD,
    AGENT_PROMPT,
    CUSTOM_INSTRUCTIONS,
    NEW_MESSAGES,
    OBSERVATION_DATE,
    OUTPUT,
    PROMPT_HEAD,
    SYSTEM_PROMPT,
)


def jinja_template(base: str) -> str:
    """`base` (a model's Jinja chat template) with the swap of `compact` in front of it.

    Stock Mem0 then gets the compact prompt from whatever renders the template: vLLM, llama.cpp's server, transformers.
    """
    q = json.dumps  # JSON's escapes are Jinja's
    head, messages, date = q(PROMPT_HEAD), q(NEW_MESSAGES), q(OBSERVATION_DATE)
    custom, output, newline = q(CUSTOM_INSTRUCTIONS), q(OUTPUT), q("\n")
    return (
        "{%- if messages | length == 2 and messages[0]['role'] == 'system' and messages[0]['content'] is string"
        f" and messages[0]['content'].lstrip().startswith({head})"
        " and messages[1]['content'] is string"
        f" and {date} in messages[1]['content'].split({messages}, 1)[1:] | join -%}}"
        f"{{%- set mem0_rest = messages[1]['content'].split({messages})[1:] | join({messages}) -%}}"
        f"{{%- set mem0_parts = mem0_rest.split({date}) -%}}"
        f"{{%- set mem0_text = mem0_parts[:-1] | join({date}) -%}}"
        f"{{%- set mem0_custom = mem0_parts[-1].split({custom})[1:] | join({custom}) -%}}"
        f"{{%- set mem0_custom = mem0_custom.split({output})[:-1] | join({output}) -%}}"
        f"{{%- set mem0_text = mem0_text.rstrip({newline}) ~ (({custom} ~ mem0_custom) if mem0_custom else '') -%}}"
        "{%- set messages = [{'role': 'system', 'content': "
        f"{q(AGENT_PROMPT)} if {q(AGENT_HEAD)} in messages[0]['content'] else {q(SYSTEM_PROMPT)}}},"
        " {'role': 'user', 'content': mem0_text.replace('<|', '< |')}] -%}"
        "{%- endif -%}\n"
    ) + base


def carry_contract(folder: Path) -> None:
    """Put the swap of Mem0's prompt in front of the model's chat template, where transformers and vLLM read it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.chat_template:
        raise io.DataError(f"{folder}: the tokenizer has no chat template. Use an instruction-tuned base model.")
    if contract.PROMPT_HEAD.splitlines()[-1] not in tokenizer.chat_template:
        tokenizer.chat_template = jinja_template(tokenizer.chat_template)
    tokenizer.save_pretrained(folder)
