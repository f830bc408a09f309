"""Custom instructions made from what conversations are about."""

import random
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import io
from pipeline.data.frames import Frame

ONLY = (
    "Store only {}.",
    "Only remember {}.",
    "Keep {} and nothing else.",
    "Nothing but {}, please.",
    "Extract {} alone.",
    "I want {} remembered, the rest is not to be stored.",
    "Limit the memories to {}.",
    "What matters is {}. Store no other facts.",
    "Remember {}; ignore everything else.",
    "This memory is for {} only.",
)


NEVER = (
    "Never store anything about {}.",
    "Do not remember {}.",
    "Leave out {}.",
    "Nothing about {} may be stored.",
    "Skip {}, store the rest.",
    "Don't keep {}.",
    "Store everything except {}.",
    "{} must not be remembered.",
    "Please forget {} at once.",
    "Exclude {} from what you remember.",
)


@dataclass(frozen=True)
class Plan:
    """Which conversations an example is made of, and what of them is to be stored."""

    frame: Frame
    partner: Frame | None = None
    """A conversation to join with the frame's; None for none."""
    instructions: str = ""
    """Custom instructions in place of the frame's own; "" for those."""
    keep_own: bool = True
    """Whether the frame's memories are to be stored."""
    keep_partner: bool = True
    """Whether the partner's memories are to be stored."""


class Scopes:
    """Custom instructions made from what conversations are about: only this may be stored, or all but this.

    A file's row: `scope` its name, `topics` of the frames inside it, `called` what instructions call it, `near` the
    scopes that conversations inside it may touch as well, so that no instruction is about those.
    """

    def __init__(self, path: Path, frames: list[Frame]):
        rows = io.read_jsonl(path, {"scope": str, "topics": list, "near": list, "called": list})
        self.called = {row["scope"]: row["called"] for row in rows}
        self.near = {row["scope"]: {row["scope"], *row["near"]} for row in rows}
        self.by_topic = {topic: row["scope"] for row in rows for topic in row["topics"]}
        self.inside = [(self.of(f), f) for f in frames if self.of(f)]

    def of(self, frame: Frame) -> str | None:
        """The scope that a frame lies in; None where no instruction may be made about it."""
        return self.by_topic.get(frame.topic) if frame.plain and frame.memories else None

    def plan(self, frame: Frame, random_: random.Random) -> Plan:
        """An example of a frame with an instruction about its scope or another, alone or joined with one of that scope.

        Without an instruction where no other scope is apart from the frame's.
        """
        scope = self.of(frame)
        others = [
            (name, other)
            for name, other in self.inside
            if name not in self.near[scope] and scope not in self.near[name]
        ]
        if not others:
            return Plan(frame)
        other_scope, partner = random_.choice(others)
        # what the instruction is about, its forms, whether the two are joined, what of frame and partner is stored
        about, forms, joins, (keep_own, keep_partner) = random_.choices(
            (
                (scope, ONLY, True, (True, False)),
                (scope, NEVER, True, (False, True)),
                (scope, ONLY, False, (True, True)),
                (other_scope, ONLY, False, (False, False)),
                (scope, NEVER, False, (False, False)),
                (other_scope, NEVER, False, (True, True)),
            ),
            weights=(6, 4, 3, 3, 2, 2),
        )[0]
        text = random_.choice(forms).format(random_.choice(self.called[about]))
        return Plan(frame, partner if joins else None, text[:1].upper() + text[1:], keep_own, keep_partner)
