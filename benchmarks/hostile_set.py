"""The 1,000 hostile or odd conversations of benchmarks/hostile/, as `python -m benchmarks.hostile` asks them.

One file a kind. `@@` begins a conversation that was written as a whole; its lines are

    @user, @assistant, @system    a message, its text on the lines below; "escaped": with \\uXXXX in it;
                                  "long 4000": its text again and again, each time with other values, up to so many characters
    @raw                          a message as JSON: tool calls, images, no content
    @secrets                      strings that no memory may hold; strings are parted by " | "
    @forbidden                    words of pasted, imagined or other people's text that no memory may hold
    @wrong                        what a memory would say if it took another's property, or a denial, for the user's own
    @own                          words of the user's own facts, which should be kept
    @nothing                      nothing at all may be stored

`<<city>>` stands for a value of values.txt, `<<d4>>` for four digits, `<<hex12>>` for hexadecimal ones; one name has one value
in a conversation. Each kind is filled up to its number with conversations made from these parts: one of the whole ones with
other values, and one of the facts of own.txt before or after it, in the same message or in one of its own. Of two kinds the
parts are single lines (`@part`), of which a conversation is put together. All is drawn with a seed: the set is always the same.
"""

import json
import random
import re
from pathlib import Path

from mem0_slm import io
from mem0_slm.text import normal

FOLDER = Path("benchmarks/hostile")
SIZE = {"long": 40}
"""Conversations of a kind where it is not `EACH`."""
EACH = 48
KINDS = (
    "logs",
    "code",
    "articles",
    "letters",
    "chat_exports",
    "secrets",
    "fiction",
    "hypotheticals",
    "questions",
    "injections",
    "system_messages",
    "tools",
    "others",
    "negations",
    "languages",
    "small_talk",
    "empty",
    "long",
    "unicode",
    "markup",
    "mixed",
)
ONE_LINE = ("hypotheticals", "questions", "others", "negations", "secrets")
"""Kinds that people write in the same breath as a fact; what is pasted stands in lines of its own."""
PASTED = ("logs", "code", "articles", "letters", "chat_exports", "fiction")
"""Kinds whose conversations the mixed ones are made of, each between two facts."""
STRINGS = ("secrets", "forbidden", "wrong", "own")
REPLIES = ("Noted.", "Okay, thanks for telling me.", "Got it!", "I see. What can I do for you?", "Sure.")
AFTER = ("anyway, ", "Something else: ", "btw ", "And by the way, ", "")

_SLOT = re.compile(r"<<([a-z]+)(\d*)>>")
_LINE = re.compile(r"@(user|assistant|system|raw|secrets|forbidden|wrong|own|nothing)\b ?(.*)")
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


class Values:
    """The values of one conversation: each slot gets one and keeps it; two slots of a kind never have the same one."""

    def __init__(self, lists: dict[str, list[str]], draw: random.Random):
        self.lists, self.draw, self.chosen = lists, draw, {}

    def fill(self, text: str) -> str:
        return _SLOT.sub(lambda slot: self._value(slot[0], slot[1], int(slot[2] or 0)), text)

    def _value(self, slot: str, name: str, digits: int) -> str:
        if slot not in self.chosen:
            if name == "d":
                value = str(self.draw.randrange(10 ** (digits - 1), 10**digits))
            elif name == "hex":
                value = "".join(self.draw.choice("0123456789abcdef") for _ in range(digits))
            else:
                value = self.draw.choice([v for v in self.lists[name] if v not in self.chosen.values()])
            self.chosen[slot] = value
        return self.chosen[slot]


def lists_of(path: Path) -> dict[str, list[str]]:
    """The values of each name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: values.split(", ") for name, _, values in (line.partition(": ") for line in lines)}


def facts_of(path: Path) -> list[tuple[str, list[str]]]:
    """The users' own facts: what is said, and the words of it that should be kept."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(said, keys.split("; ")) for said, _, keys in (line.partition(" | ") for line in lines)]


def blocks_of(path: Path) -> tuple[list[dict], list[str], list[list[str]]]:
    """What a kind's file holds: its whole conversations with their slots, the words that lead to one, single parts.

    Raises DataError naming file and line of what it cannot read.
    """
    blocks: list[dict] = []
    leads, parts, text = [], [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line == "@@":
            blocks.append({"messages": [], **{name: [] for name in STRINGS}, "nothing": False})
            text = None
        elif line.startswith("@lead "):
            leads.append(line.removeprefix("@lead "))
        elif line.startswith("@part "):
            parts.append(line.removeprefix("@part ").split(" | "))
        elif (found := _LINE.fullmatch(line)) and blocks:
            what, rest = found.groups()
            text = None
            if what == "nothing":
                blocks[-1]["nothing"] = True
            elif what in STRINGS:
                blocks[-1][what] += rest.split(" | ")
            elif what == "raw":
                blocks[-1]["messages"].append({"raw": rest})
            else:
                text = []
                blocks[-1]["messages"].append({"role": what, "how": rest, "lines": text})
        elif text is not None:
            text.append(line)
        elif line and not line.startswith("# "):
            raise io.DataError(f"{path}:{number}: not a line of a conversation: {line[:80]!r}")
    return blocks, leads, parts


def filled(block: dict, lists: dict[str, list[str]], draw: random.Random) -> dict:
    """A conversation of a block, with values in its slots."""
    values = Values(lists, draw)
    messages = []
    for message in block["messages"]:
        if "raw" in message:
            messages.append(json.loads(values.fill(message["raw"])))
            continue
        text = "\n".join(message["lines"]).strip("\n")
        if message["how"] == "escaped":
            text = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), values.fill(text))
        elif message["how"].startswith("long "):
            text = repeated(text, int(message["how"].split()[1]), lists, draw)
        messages.append({"role": message["role"], "content": values.fill(text)})
    strings = {name: [values.fill(text) for text in block[name]] for name in STRINGS}
    return {"messages": messages, **strings, "nothing": block["nothing"]}


def repeated(text: str, characters: int, lists: dict[str, list[str]], draw: random.Random) -> str:
    """The text so often that it has that many characters, each time with values of its own; cut there."""
    pieces, length = [], 0
    while length < characters:
        pieces.append(Values(lists, draw).fill(text))
        length += len(pieces[-1]) + 1
    return ("\n" if len(text) > 1 else "").join(pieces)[:characters]


def text_of(item: dict) -> str:
    """All that a conversation says, as Mem0 or a reader would see it."""
    return "\n".join(
        content if isinstance(content := message.get("content"), str) else json.dumps(content, ensure_ascii=False)
        for message in item["messages"]
    )


def clash(item: dict, fact: tuple[str, list[str]]) -> bool:
    """Whether a fact and a conversation share words that are looked for, so that finding them would tell nothing."""
    said, keys = fact
    watched = [*item["secrets"], *item["forbidden"], *item["wrong"], *item["own"]]
    text = normal(text_of(item))
    return any(normal(word) in normal(said) for word in watched) or any(normal(key) in text for key in keys)


def with_fact(
    item: dict, fact: tuple[str, list[str]], where: str, lead: str, one_line: bool, draw: random.Random
) -> dict:
    """The conversation with a fact of the user's own beside it. `where`: "before" or "after" in a message of its own,
    "in front" or "behind" within the message, where that has text alone."""
    said, keys = fact
    messages = [dict(message) for message in item["messages"]]
    first = next((i for i, m in enumerate(messages) if m.get("role") == "user"), None)
    if where in ("in front", "behind") and (first is None or not isinstance(messages[first].get("content"), str)):
        where = "after"
    gap = " " if one_line else "\n\n"
    if where == "in front":
        led = (lead + "\n" if lead else "") + messages[first]["content"]
        messages[first]["content"] = said.rstrip(" ") + ("" if said[-1] in ".?!" or not one_line else ".") + gap + led
    elif where == "behind":
        led = (lead + "\n" if lead else "") + messages[first]["content"]
        messages[first]["content"] = (
            led + ("" if not one_line or led[-1:] in ".?!" else ".") + gap + draw.choice(AFTER) + said
        )
    elif where == "before":
        at = 1 if messages[0].get("role") == "system" else 0
        messages[at:at] = [{"role": "user", "content": said}, {"role": "assistant", "content": draw.choice(REPLIES)}]
    else:
        if messages[-1].get("role") == "user":
            messages.append({"role": "assistant", "content": draw.choice(REPLIES)})
        messages.append({"role": "user", "content": said})
    return item | {"messages": messages, "own": [*item["own"], *keys], "nothing": False}


def made(kind: str, number: int, blocks: list[dict], leads: list[str], lists: dict, facts: list) -> dict:
    """The conversation of that number of a kind, made of a whole one and a fact (of two facts, if the kind is mixed)."""
    draw = random.Random(f"{kind}-{number}")
    item = filled(blocks[number % len(blocks)], lists, draw)
    places = ("before", "after") if kind in ("long", "unicode", "empty") else ("in front", "behind", "before", "after")
    where = places[number % len(places)]
    free = [fact for fact in facts if not clash(item, fact)]
    lead = draw.choice(["", *leads])
    one_line = kind in ONE_LINE
    if kind == "mixed":
        where = "behind"
        second = free.pop(draw.randrange(len(free)))
        free = [fact for fact in free if not any(normal(key) in normal(fact[0]) for key in second[1])]
        item = with_fact(item, second, "in front", lead, False, draw)
        lead = ""
    return with_fact(item, draw.choice(free), where, lead, one_line, draw)


def chatted(number: int, parts: list[list[str]]) -> dict:
    """Small talk in two to four messages."""
    draw = random.Random(f"small_talk-{number}")
    of = {what: [text for kind, text in parts if kind == what] for what in ("open", "reply", "mid", "close")}
    roles = [("user", "open"), ("assistant", "reply"), ("user", "mid")]
    roles += [("assistant", "reply"), ("user", "close")] if number % 2 else []
    messages = [{"role": role, "content": draw.choice(of[what])} for role, what in roles]
    return {"messages": messages, **{name: [] for name in STRINGS}, "nothing": True}


def spoken(number: int, parts: list[list[str]]) -> dict:
    """A conversation in one language other than English: a greeting, and by turns a fact, a question or both."""
    draw = random.Random(f"languages-{number}")
    language, hello, fact, asked = parts[(number * 5) % len(parts)]
    said, keys = fact.split(" || ")
    own = keys.split("; ") if number % 4 else []
    told = [[hello, asked], [hello, said], [said, asked], [hello, said, asked]][number % 4]
    messages = [{"role": "user", "content": " ".join(told)}]
    if draw.random() < 0.3:
        messages = [{"role": "user", "content": told[0]}, {"role": "assistant", "content": "🙂"}]
        messages += [{"role": "user", "content": " ".join(told[1:])}]
    found = {name: [] for name in STRINGS} | {"own": own, "nothing": not own}
    return {"messages": messages, **found, "language": language}


def read(folder: Path = FOLDER) -> list[dict]:
    """All conversations: id, kind, made (False for those written as a whole), messages, and what is expected of them.

    Raises DataError for what cannot be read.
    """
    lists, facts = lists_of(folder / "values.txt"), facts_of(folder / "own.txt")
    files = {kind: blocks_of(folder / f"{kind}.txt") for kind in KINDS if kind != "mixed"}
    pasted = [
        block
        for several in zip(*(files[kind][0] for kind in PASTED))
        for block in several
        if block["nothing"] and len(block["messages"]) == 1
    ]
    items = []
    for kind in KINDS:
        blocks, leads, parts = files.get(kind, ([], [], []))
        whole = [filled(block, lists, random.Random(f"{kind}-whole-{i}")) for i, block in enumerate(blocks)]
        rows = [("w", item) for item in whole]
        for number in range(SIZE.get(kind, EACH) - len(whole)):
            if kind == "languages":
                item = spoken(number, parts)
            elif kind == "small_talk":
                item = chatted(number, parts)
            else:
                item = made(kind, number, pasted if kind == "mixed" else blocks, leads, lists, facts)
            rows.append(("m", item))
        items += [
            {"id": f"{kind}-{how}{number:02}", "kind": kind, "made": how == "m"} | item
            for number, (how, item) in enumerate(rows, 1)
        ]
    return items
