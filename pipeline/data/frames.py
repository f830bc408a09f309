"""Hand-written conversations with slots, and the values that fill them.

A frame file is plain text that reads well in a diff: blocks separated by a blank line, `u:` a user turn, `a:` an
assistant turn, `=` a memory that must come of it (none: nothing is to be stored), `# topic: x` for the blocks after it.
`{first}`, `{city2}`, `{date}`... are slots: within a block one slot is one value, `{first}` and `{first2}` differ.
`\\n` in a turn is a line break: what people paste has many.

What else Mem0 may send stands before a block's turns: `agent:` (the memories are the agent's), `i:` custom instructions
or `k:` memories that are known already. `~` in place of `=` marks a memory that these instructions or known memories
make superfluous; without them it must come as the others do.

Values come from Faker's lists for many countries. Each value belongs, by a hash of its text, either to training or to
evaluation, so the two can never share one.
"""

from dataclasses import dataclass, field
from pathlib import Path

from mem0_slm.io import DataError
from pipeline.data.slots import SLOT


@dataclass(frozen=True)
class Frame:
    """A conversation with slots, and the memories that must come of it."""

    topic: str
    turns: list[tuple[str, str]]
    """(role, text) with role "user" or "assistant"."""
    memories: list[str]
    """What must come of the turns alone."""
    place: str = ""
    """file:line, for error messages and the dataset's record of where an example comes from."""
    agent: bool = False
    """Whether the memories are the agent's."""
    instructions: str = ""
    """Custom instructions; "" for none."""
    known: tuple[str, ...] = ()
    """Memories that are there already."""
    superfluous: frozenset = field(default_factory=frozenset)
    """Those of the memories that must not come where the model is told the instructions or the known memories."""

    @property
    def wanted(self) -> list[str]:
        """What must come of the turns where the model is told the instructions or the known memories."""
        return [memory for memory in self.memories if memory not in self.superfluous]

    @property
    def plain(self) -> bool:
        """True if nothing but the turns is asked, so that the frame can be joined with another."""
        return not (self.agent or self.instructions)


def read_frames(path) -> list[Frame]:
    """Read a frame file. Raises DataError naming file and line for anything that is not of the form."""
    frames, topic, block, start = [], "general", [], 0
    path = Path(path)
    for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), ""], 1):
        line = line.strip()
        if line.startswith("# topic:"):
            topic = line.removeprefix("# topic:").strip()
        elif line:
            start = start if block else number
            block.append((number, line))
        elif block:
            frames.append(_frame(topic, block, f"{path.name}:{start}"))
            block = []
    return frames


def _frame(topic: str, block: list[tuple[int, str]], place: str) -> Frame:
    """The frame of a block's numbered lines."""
    turns, memories, superfluous, known, instructions, agent = [], [], [], [], [], False
    for number, line in block:
        kind, _, text = line.partition(" ")
        text = text.strip()
        if kind in ("u:", "a:") and text and not memories:
            turns.append(("user" if kind == "u:" else "assistant", text.replace("\\n", "\n")))
        elif kind in ("=", "~") and text:
            memories.append(text)
            superfluous += [text] if kind == "~" else []
        elif kind in ("i:", "k:") and text and not turns and not memories:
            (instructions if kind == "i:" else known).append(text)
        elif line == "agent:" and not turns and not memories:
            agent = True
        else:
            raise DataError(
                f"{place} (line {number}): expected 'agent:', 'i: ...' or 'k: ...', then 'u: ...' and 'a: ...', "
                f"after all turns '= ...' or '~ ...'; found {line[:60]!r}"
            )
    _check_memories(place, turns, memories)
    if len(instructions) > 1 or (instructions and known):
        raise DataError(
            f"{place}: a block has one 'i:' line or 'k:' lines, so that it is clear what makes a '~' memory superfluous"
        )
    if superfluous and not (instructions or known):
        raise DataError(
            f"{place}: memory {superfluous[0]!r} is marked '~', but no 'i:' or 'k:' line makes it superfluous"
        )
    return Frame(topic, turns, memories, place, agent, "".join(instructions), tuple(known), frozenset(superfluous))


def _check_memories(place: str, turns: list[tuple[str, str]], memories: list[str]) -> None:
    """Raise DataError for a memory with a slot that no turn says, or turns without a user's."""
    spoken = {slot.group(0) for _, text in turns for slot in SLOT.finditer(text)}
    for memory in memories:
        for slot in SLOT.finditer(memory):
            if slot.group(0) not in spoken:
                raise DataError(f"{place}: memory {memory!r} uses {slot.group(0)}, which no turn says")
    if not any(role == "user" for role, _ in turns):
        raise DataError(f"{place}: a block needs at least one 'u:' line")
