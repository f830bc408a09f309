"""The form of a training example for extraction, as a line of data/train.jsonl."""

from mem0_slm import contract


def extraction_example(
    topic: str, place: str, messages: list[dict], memories: list[str], *, agent: bool = False, instructions: str = ""
) -> dict:
    """The call that Mem0 would make for a conversation, and the answer that the model is to learn.

    place: where the conversation comes from. agent: the memories are the agent's. instructions: custom ones, or "".
    """
    prompt = contract.prompt_for(contract.conversation_of(messages), agent=agent, instructions=instructions)
    answer = {"role": "assistant", "content": contract.dump(memories)}
    return {"kind": "extraction", "topic": topic, "from": place, "messages": [*prompt, answer]}
