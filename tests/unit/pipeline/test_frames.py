"""Frame files: what they say, what is refused, and that training and evaluation never share a value."""

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem0_slm.io import DataError
from pipeline.data.frames import Frame, read_frames
from pipeline.data.slots import Values, reserved_for_eval


@pytest.fixture
def frames_of(tmp_path):
    def frames_of(text):
        path = tmp_path / "some.txt"
        path.write_text(text, encoding="utf-8")
        return read_frames(path)

    return frames_of


def test_blocks_topics_turns_and_memories(frames_of):
    assert frames_of("""
u: hello

# topic: pets
u: We got a cat, {pet}.
a: Lovely: how old?
u:   {age}, says {first}
= User has a cat named {pet}
=   {first} says that {pet} is {age}

# topic: small talk
u: bye""") == [
        Frame("general", [("user", "hello")], [], "some.txt:2"),
        Frame(
            "pets",
            [("user", "We got a cat, {pet}."), ("assistant", "Lovely: how old?"), ("user", "{age}, says {first}")],
            ["User has a cat named {pet}", "{first} says that {pet} is {age}"],
            "some.txt:5",
        ),
        Frame("small talk", [("user", "bye")], [], "some.txt:12"),
    ]


def test_an_agents_block_instructions_and_known_memories(frames_of):
    agent, told, known = frames_of("""
agent:
u: You are {first}.
= Agent is configured to be {first}

i: Store no names, {first}.
u: I'm {first2} and I paint
~ User's name is {first2}
= User paints

k: User has a cat
k: User's cat is {pet}
u: My cat {pet} is ill
~ User has a cat named {pet}
= User's cat {pet} is ill""")
    assert (agent.agent, agent.plain, agent.wanted) == (True, False, agent.memories)
    assert (told.agent, told.plain, told.instructions) == (False, False, "Store no names, {first}.")
    assert (told.memories, told.wanted) == (["User's name is {first2}", "User paints"], ["User paints"])
    assert (known.plain, known.instructions, known.known) == (True, "", ("User has a cat", "User's cat is {pet}"))
    assert (known.memories, known.wanted) == (
        ["User has a cat named {pet}", "User's cat {pet} is ill"],
        ["User's cat {pet} is ill"],
    )


def test_a_turn_may_have_line_breaks_as_pasted_text_has(frames_of):
    (frame,) = frames_of("u: why?\\n  $ git push\\nrejected\n= {no slot}\\n")
    assert frame.turns == [("user", "why?\n  $ git push\nrejected")]
    assert frame.memories == ["{no slot}\\n"], "a memory is one line"


def test_an_empty_file_has_no_frames(frames_of):
    assert frames_of("\n\n# topic: x\n\n") == []


EXPECTED = "expected 'agent:', 'i: ...' or 'k: ...', then 'u: ...' and 'a: ...', after all turns '= ...' or '~ ...'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("u: a\nhello", f"some.txt:1 (line 2): {EXPECTED}; found 'hello'"),
        ("\nu: a\n= m\nu: b", f"some.txt:2 (line 4): {EXPECTED}; found 'u: b'"),
        ("u:", f"some.txt:1 (line 1): {EXPECTED}; found 'u:'"),
        ("u: a\n=", f"some.txt:1 (line 2): {EXPECTED}; found '='"),
        ("u: a {city}\n= b {city2}", "some.txt:1: memory 'b {city2}' uses {city2}, which no turn says"),
        ("u: x\n\na: hi\n= b", "some.txt:3: a block needs at least one 'u:' line"),
        ("u: a\nk: b", f"some.txt:1 (line 2): {EXPECTED}; found 'k: b'"),
        ("u: a\ni: b", f"some.txt:1 (line 2): {EXPECTED}; found 'i: b'"),
        ("u: a\nagent:", f"some.txt:1 (line 2): {EXPECTED}; found 'agent:'"),
        ("agent: b\nu: a", f"some.txt:1 (line 1): {EXPECTED}; found 'agent: b'"),
        ("k:\nu: a", f"some.txt:1 (line 1): {EXPECTED}; found 'k:'"),
        ("k: {city}\nu: a\n= b {city}", "some.txt:1: memory 'b {city}' uses {city}, which no turn says"),
        ("u: a\n~ b", "some.txt:1: memory 'b' is marked '~', but no 'i:' or 'k:' line makes it superfluous"),
        (
            "i: a\ni: b\nu: c",
            "some.txt:1: a block has one 'i:' line or 'k:' lines, so that it is clear what makes a '~' memory superfluous",
        ),
        (
            "i: a\nk: b\nu: c",
            "some.txt:1: a block has one 'i:' line or 'k:' lines, so that it is clear what makes a '~' memory superfluous",
        ),
    ],
)
def test_what_is_not_of_the_form_is_refused_with_its_line(frames_of, text, message):
    with pytest.raises(DataError) as error:
        frames_of(text)
    assert str(error.value) == message


# --- values ---

SLOTS = (
    "first last full city country company street job pet title age n big money year month weekday date time phone email code"
).split()


@pytest.fixture(scope="module")
def sides():
    return {part: Values(part, 7) for part in ("train", "eval")}


def test_one_slot_is_one_value_and_numbered_slots_differ():
    texts, chosen = Values("train", 1).fill(["{weekday} {weekday2} {weekday3}", "{weekday2}, {Weekday} {} {weekday1}"])
    assert len(set(chosen.values())) == 3
    assert texts == [
        f"{chosen['{weekday}']} {chosen['{weekday2}']} {chosen['{weekday3}']}",
        f"{chosen['{weekday2}']}, {{Weekday}} {{}} {{weekday1}}",
    ]


def test_the_same_seed_gives_the_same_values():
    text = [" ".join(f"{{{slot}}}" for slot in SLOTS)]
    first, again, other = (Values("train", seed).fill(text) for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize(
    "slot", [slot for slot in SLOTS if slot not in ("month", "weekday", "age")]
)  # too few to divide
def test_training_and_evaluation_share_no_value(sides, slot):
    train = {sides["train"].value(slot) for _ in range(60)}
    held = {sides["eval"].value(slot) for _ in range(20)}
    assert not {v.casefold() for v in train} & {v.casefold() for v in held}


def test_evaluation_gives_no_value_twice():
    values = Values("eval", 1)
    assert sorted(values.value("n") for _ in range(39)) == [str(n) for n in range(61, 100)]
    with pytest.raises(DataError, match=r"^no value left for slot \{n\}$"):
        values.value("n")


def test_an_unknown_slot_is_refused_with_those_there_are(sides):
    with pytest.raises(DataError) as error:
        sides["train"].fill(["{planet}"])
    assert str(error.value) == f"unknown slot {{planet}}; known: {', '.join(sorted(SLOTS))}"


@given(st.text())
def test_a_value_is_on_one_side_however_it_is_written(value):
    assert reserved_for_eval(value) == reserved_for_eval(value.casefold())


def test_about_one_value_in_eight_is_reserved():
    random_ = random.Random(0)
    share = sum(reserved_for_eval(str(random_.random())) for _ in range(8000)) / 8000
    assert 0.11 < share < 0.14


@pytest.mark.parametrize(
    ("day", "month", "form", "date"),
    [
        (1, 0, 3, "January 1st"),
        (2, 1, 2, "the 2nd of February"),
        (3, 2, 3, "March 3rd"),
        (11, 3, 3, "April 11th"),
        (12, 4, 3, "May 12th"),
        (13, 5, 3, "June 13th"),
        (21, 6, 3, "July 21st"),
        (22, 7, 0, "22 August"),
        (28, 11, 1, "December 28"),
    ],
)
def test_dates_are_written_as_people_write_them(day, month, form, date):
    places = iter((month, form))
    values = Values.__new__(Values)
    values.random = SimpleNamespace(randint=lambda low, high: day, choice=lambda options: options[next(places)])
    assert values._date() == date
