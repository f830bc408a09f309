"""Chat with memory in real headless Chromium.

The chat model and Mem0 are real; what is extracted comes from a stand-in for an Ollama server, so that each message has
a known outcome. Nothing here is decided by a clock: tests wait for what is to come, and PATIENCE only bounds a hang.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import types
from dataclasses import dataclass

import httpx
import pytest

from mem0_slm.extraction import Event
from mem0_slm.io import DataError
from mem0_slm.person.third_person import third_person
from page import server, session
from page.cards import WORDED
from page.page import build
from tests.app import OVERRIDE, settings
from tests.ollama_standin import serve
from tests.waiting import PATIENCE, until
from tools.browser import WAITING, App, chromium, enter, enter_name, running_app, say, settled
from tools.film import Film
from tools.servers import free_port
from tools.walkthrough import record

SCRIPT = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'> <b>bold</b> **stars** $$x$$"


class Extractor:
    """What the stand-in extracts: each user line in third person; small talk gives nothing, "broken" no JSON.

    It answers nothing while `open` is clear.
    """

    def __init__(self):
        self.open = threading.Event()
        self.open.set()

    def __call__(self, messages, format):
        assert self.open.wait(PATIENCE)
        said = [
            line.removeprefix("user: ") for line in messages[-1]["content"].split("\n") if line.startswith("user: ")
        ]
        if said == ["broken"]:
            return "no JSON at all"
        told = [third_person(text) or text for text in said if not text.endswith(("?", "morning!"))]
        return json.dumps({"memory": [{"text": text} for text in told]})


@pytest.fixture(scope="module")
def browser():
    try:
        with chromium() as browser:
            yield browser
    except DataError as error:
        if os.environ.get("MEM0_SLM_TEST_BROWSER"):
            raise
        pytest.skip(str(error))


@dataclass
class World:
    """The app under test, its extractor, and how to start it over its folder."""

    extractor: Extractor
    start: object
    running: App

    @property
    def url(self) -> str:
        return self.running.url

    def kill_and_restart(self, *before_start) -> None:
        self.running.process.send_signal(signal.SIGKILL)
        self.running.process.wait()
        for do in before_start:
            do()
        self.running = self.start()


@pytest.fixture(scope="module")
def app(browser, tmp_path_factory, base_gguf):
    folder = tmp_path_factory.mktemp("app")
    with serve(models=["extractor"]) as ollama, contextlib.ExitStack() as stack:
        ollama.reply = extractor = Extractor()
        changed = {
            "chat_model": str(base_gguf),
            "extraction_engine": "ollama",
            "extraction_model": "extractor",
            "folder": str(folder / "memories"),
            "reply_tokens": 12,
            "threshold": 0.3,
            "threads": 1,
            "port": free_port(),
        }
        start = lambda: stack.enter_context(running_app(folder, {"OLLAMA_HOST": ollama.url}, **changed))  # noqa: E731
        yield World(extractor, start, start())


@pytest.fixture
def new_tab(browser):
    """A function that opens a page of its own; it fails the test when a script of a user's ran or the page broke."""
    contexts, broken = [], []

    def open_page():
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("dialog", lambda dialog: broken.append(dialog.message))
        return page

    yield open_page
    for context in contexts:
        assert all(page.evaluate("window.ran") is None for page in context.pages)
        context.close()
    assert broken == []


def cards(page) -> list[str]:
    return page.locator("#cards .card p").all_inner_texts()


def until_shown(page, true) -> None:
    """Wait until `true()` holds of a page, which goes on meanwhile."""
    until(lambda: true() or page.wait_for_timeout(50))


def has_cards(page, *texts) -> None:
    """Wait until the memories are these, the newest first."""
    until_shown(page, lambda: cards(page) == list(texts))


def test_what_is_said_is_remembered_found_after_a_reload_and_used(app, new_tab):
    page = new_tab()
    enter(page, app.url, "Ana Maria")
    page.locator("#cards").get_by_text("Nothing remembered yet").wait_for()
    for text in ("I live in Lisbon", "I am allergic to peanuts", "My dog is called Bruno"):
        say(page, text)
    has_cards(page, "User's dog is called Bruno", "User is allergic to peanuts", "User lives in Lisbon")
    newest = page.locator("#cards .card").first.inner_text()
    assert all(told in newest for told in ("today ", "from the conversation", "My dog is called Bruno"))
    until_shown(page, lambda: page.get_by_text("Remembered 1 memory").count() == 3)
    page.reload()
    has_cards(page, "User's dog is called Bruno", "User is allergic to peanuts", "User lives in Lisbon")
    page.locator("#fresh").click()
    page.get_by_text("Remembered 1 memory").first.wait_for(state="detached")
    say(page, "What am I allergic to?")
    used = page.locator("#cards .card.is-used", has_text="allergic")
    assert "used for the last reply · 0." in used.inner_text()
    page.get_by_text("Used 1 memory").wait_for()
    page.get_by_text("Nothing to remember").wait_for()


def test_memories_can_be_searched_edited_deleted_and_exported(app, new_tab):
    page = new_tab()
    enter(page, app.url, "editor")
    for text in ("I live in Lisbon", "I play the cello", "My car is red"):
        say(page, text)
    has_cards(page, "User's car is red", "User plays the cello", "User lives in Lisbon")
    page.locator("#query input, #query textarea").fill("Which instrument do I play?")
    page.locator(".alike").first.wait_for()
    until_shown(page, lambda: cards(page)[0] == "User plays the cello")
    page.locator("#query input, #query textarea").fill("")
    has_cards(page, "User's car is red", "User plays the cello", "User lives in Lisbon")

    page.get_by_role("button", name="Edit: User plays the cello").click()
    page.locator("#edited textarea").fill("I play the violin")
    page.locator("#save").click()
    has_cards(page, "User's car is red", "I play the violin", "User lives in Lisbon")
    assert "edited by you" in page.locator("#cards .card", has_text="violin").inner_text()

    page.get_by_role("button", name="Delete: User's car is red").press("Enter")  # by keyboard
    has_cards(page, "I play the violin", "User lives in Lisbon")

    with page.expect_download() as download:
        page.locator("#export").click()
    exported = json.loads(download.value.path().read_text())
    assert exported["name"] == "editor"
    assert [(m["memory"], m["source"], m["said"]) for m in exported["memories"]] == [
        ("I play the violin", "edited", ""),
        ("User lives in Lisbon", "conversation", "I live in Lisbon"),
    ]

    page.locator("#wipe").click()
    page.locator("#question").get_by_text("Delete all 2 memories of editor?").wait_for()
    page.locator("#no").click()
    page.locator("#question").wait_for(state="hidden")
    assert len(cards(page)) == 2
    page.locator("#wipe").click()
    page.locator("#yes").click()
    page.get_by_text("Nothing remembered yet").wait_for()


def test_a_memory_shows_its_evidence_when_asked(app, new_tab):
    page = new_tab()
    enter(page, app.url, "doubter")
    say(page, "My sister keeps bees")
    has_cards(page, "User's sister keeps bees")
    evidence = page.locator("#cards details")
    evidence.get_by_text("My sister keeps bees", exact=True).wait_for(state="hidden")
    evidence.locator("summary").press("Enter")  # by keyboard
    evidence.get_by_text("My sister keeps bees", exact=True).wait_for()
    told = [f"{worded} You said:" for worded in WORDED.values()]  # which of them, the gate decides
    assert sum(words in evidence.inner_text() for words in told) == 1
    page.get_by_role("button", name="Edit: User's sister keeps bees").click()
    page.locator("#edited textarea").fill("I keep wasps")
    page.locator("#save").click()
    has_cards(page, "I keep wasps")
    assert page.locator("#cards details").count() == 0, "what was edited away is gone"


def test_two_names_never_see_each_other_and_two_tabs_of_one_name_agree(app, new_tab):
    first, twin, other = new_tab(), new_tab(), new_tab()
    for page, name in ((first, "carla"), (twin, "carla"), (other, "Carla")):
        enter(page, app.url, name)
    say(first, "I live in Rome")
    for page in (first, twin):
        has_cards(page, "User lives in Rome")
        page.locator("#talk").get_by_text("I live in Rome").first.wait_for()
    twin.get_by_role("button", name="Delete: User lives in Rome").click()
    for page in (first, twin):
        has_cards(page)
    assert "Rome" not in other.locator("body").inner_text()
    twin.locator("#other").click()
    enter_name(twin, "nobody")
    twin.locator("#cards").get_by_text("Nothing remembered yet").wait_for()
    assert "Rome" not in twin.locator("body").inner_text()


def test_an_answer_that_comes_late_does_not_stay(app, new_tab):
    page, late, replayed, held = new_tab(), [], [], []

    def deliver(route):
        answer = route.fetch()
        memories = len(answer.json().get("data", ())) == 3
        if memories and "User lives in Bern" in answer.text():
            late.append(answer.text())
        if memories and replayed == ["now"]:
            replayed.append("done")
            return route.fulfill(response=answer, body=late[0])
        if memories and replayed == ["now", "done"]:
            return held.append((route, answer))  # until the old answer has been seen
        route.fulfill(response=answer)

    page.route("**/run/predict*", deliver)
    enter(page, app.url, "late")
    say(page, "I live in Bern")
    has_cards(page, "User lives in Bern")
    page.get_by_role("button", name="Delete: User lives in Bern").click()
    has_cards(page)
    replayed.append("now")
    page.get_by_role("button", name="Delete: User lives in Bern").wait_for()  # the old answer is shown ...
    assert replayed == ["now", "done"]
    replayed.append("seen")
    for route, answer in held:
        route.fulfill(response=answer)
    has_cards(page)  # ... until the next tick
    page.unroute_all(behavior="wait")


TEXTS = (
    "#title p, #who h2, #talk .user, #talk .bot, #cards p, #cards small, #cards q, #cards .used, #cards button, "
    "#cards summary, #cards dd, "
    "#send, #fresh, #export, #wipe"
)
CONTRAST = """(element) => {
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith('color(') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const linear = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => rgb.map(linear).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = [];
  for (let e = element; e; e = e.parentElement) behind.unshift(rgba(getComputedStyle(e).backgroundColor));
  const ground = behind.reduce((below, colour) => over(colour, below), [255, 255, 255]);
  const [a, b] = [light(ground), light(over(rgba(getComputedStyle(element).color), ground))].sort();
  return (b + 0.05) / (a + 0.05);
}"""
"""The ratio of an element's text to what is behind it, as WCAG 2 defines it."""


def test_by_keyboard_alone_on_a_phone_in_light_and_dark(app, new_tab):
    page = new_tab()
    page.set_viewport_size({"width": 390, "height": 780})
    page.goto(app.url)
    page.locator("#name :is(input, textarea):focus").wait_for()
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    page.locator("#message textarea:focus").wait_for()
    page.keyboard.type("I play chess")
    page.keyboard.press("Enter")
    has_cards(page, "User plays chess")
    reach(page, "[data-act=edit]")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.locator("#edited textarea:focus").wait_for()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("I play go")
    reach(page, "#save")
    page.keyboard.press("Enter")
    has_cards(page, "I play go")
    page.locator("#query :focus").wait_for()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("dark => document.body.classList.contains('dark') === dark", arg=scheme == "dark")
        page.wait_for_function("!document.getAnimations().some((a) => a instanceof CSSTransition)")  # colours fade
        faint = {
            element.inner_text(): ratio
            for element in page.locator(TEXTS).all()
            if (ratio := element.evaluate(CONTRAST)) < 4.5
        }
        assert faint == {}, scheme


def reach(page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_who_enters_before_the_page_has_answered_its_own_loading_stays_entered(app, new_tab):
    page, held = new_tab(), []
    page.route("**/queue/join*", lambda route: route.continue_() if held else held.append(route))
    enter(page, app.url, "quick")
    answered = []
    for event in ("requestfinished", "requestfailed"):  # the stream of answers ends, by either side
        page.on(event, lambda request: answered.append(request.url) if "/queue/data" in request.url else None)
    held[0].continue_()
    until_shown(page, lambda: answered)
    say(page, "I swim")
    has_cards(page, "User swims")


def test_while_a_reply_is_written_it_can_be_stopped_and_the_next_message_waits(browser, new_tab, tmp_path, monkeypatch):
    """With a model that says one word and then waits."""
    more = threading.Event()

    def generate(handle, messages, on_text, **_):
        on_text("One ")
        assert more.wait(PATIENCE)
        on_text("two")

    memory = types.SimpleNamespace(
        search=lambda *_, **__: {"results": []},
        get_all=lambda **_: {"results": []},
        add=lambda *_, **__: {"results": []},
    )
    monkeypatch.setattr(session.engines, "module", lambda engine: types.SimpleNamespace(generate=generate))
    monkeypatch.setattr(session, "watch", lambda: contextlib.nullcontext([Event("nothing")]))
    chat = session.Chat(memory, "llama_cpp", None, tmp_path)
    page, p = build(chat), settings(port=free_port())
    server.launch(page, p, "")
    try:
        tab = new_tab()
        enter(tab, f"http://127.0.0.1:{p.port}", "ana")
        tab.locator("#message textarea").fill("Count")
        tab.keyboard.press("Enter")
        tab.locator("#talk .bot", has_text="One").wait_for()  # streamed: the reply is not over
        tab.locator("#send").wait_for(state="hidden")
        tab.locator("#message textarea").fill("And now?")
        tab.keyboard.press("Enter")
        tab.get_by_text("The reply before is still being written").wait_for()
        assert tab.locator("#message textarea").input_value() == "And now?"  # it is not lost
        tab.locator("#stop").click()
        until_shown(tab, lambda: chat.turns("ana")[0].stop)
        more.set()
        tab.get_by_text("(stopped)").wait_for()
        tab.locator("#stop").wait_for(state="hidden")
        tab.locator("#message textarea").press("Enter")
        tab.locator("#talk .bot").get_by_text("One two", exact=True).wait_for()
        assert tab.locator("#talk .user").all_inner_texts() == ["Count", "And now?"]
    finally:
        more.set()
        page.close(verbose=False)
        chat.close()


def test_markup_and_orders_in_messages_and_memories_are_only_text(app, new_tab):
    page = new_tab()
    enter(page, app.url, "mallory")
    for text in (SCRIPT, OVERRIDE, "I ski"):
        say(page, text)
    page.get_by_role("button", name="Edit: User skis").click()
    page.locator("#edited textarea").fill(SCRIPT)
    page.locator("#save").click()
    page.locator("#cards p", has_text="**stars**").wait_for()
    assert SCRIPT in cards(page) and SCRIPT in page.locator("#talk").inner_text()
    markup = "#cards :is(script, img, b:not(.used)), #talk .message :is(script, img, b, strong, .katex)"
    assert page.locator(markup).count() == 0


def test_every_outcome_is_told_and_bad_input_is_answered(app, new_tab):
    page = new_tab()
    page.goto(app.url)
    page.locator("#name :is(input, textarea)").fill("<i>")
    page.locator("#start").click()
    page.get_by_text("'<' is none of these").wait_for()
    enter(page, app.url, "outcomes")
    for text, told in (
        ("Good morning!", "Nothing to remember"),
        ("broken", "Not remembered: it failed"),
        ("I ski", "Remembered 1 memory"),
        ("I ski", "Nothing new to remember"),
    ):
        say(page, text)
        page.get_by_text(told, exact=True).last.wait_for()
    page.get_by_text("Not remembered: it failed").click()
    page.get_by_text("the model's answer is not JSON").wait_for()
    page.keyboard.press("Enter")
    assert page.locator("#talk .user").count() == 4  # an empty message is not sent


def test_a_page_that_points_its_own_name_at_this_machine_gets_nothing(app):
    assert httpx.get(app.url, headers={"Host": "evil.example"}).status_code == 400
    assert httpx.get(app.url).status_code == 200


def test_adding_never_blocks_a_message_and_a_kill_loses_nothing(app, new_tab):
    page = new_tab()
    enter(page, app.url, "phoenix")
    say(page, "I live in Oslo")
    has_cards(page, "User lives in Oslo")
    app.extractor.open.clear()
    say(page, "I keep bees")  # its adding hangs ...
    say(page, "I paint")  # ... and this one is answered all the same
    until_shown(page, lambda: page.get_by_text(WAITING).count() == 2)
    app.kill_and_restart(
        lambda: page.get_by_text("Connection to the server was lost").wait_for(), app.extractor.open.set
    )
    page.locator("#title").wait_for()  # the page loads itself anew
    settled(page)
    has_cards(page, "User paints", "User keeps bees", "User lives in Oslo")
    page.locator("#other").click()
    enter_name(page, "somebody else")
    has_cards(page)


@pytest.mark.nightly("app.py", "page/*", "tools/*")
def test_the_walkthrough_goes_through_and_becomes_a_film_of_the_length_asked_for(app, browser, tmp_path):
    (tmp_path / "pictures").mkdir()
    film = Film(tmp_path / "pictures")
    record(film, browser, app.url)
    live = sum(frame.seconds for frame in film.frames if not frame.reading)
    read = sum(frame.seconds for frame in film.frames if frame.reading)
    assert 120 < read < 300  # a film of 3 to 5 minutes is read at a common pace
    film.save(tmp_path / "film.gif", live + 5)
    from PIL import Image

    with Image.open(tmp_path / "film.gif") as gif:
        shown = 0
        for number in range(gif.n_frames):
            gif.seek(number)
            shown += gif.info["duration"] / 1000
    assert shown == pytest.approx(live + 5, abs=0.01 * len(film.frames))
    if shutil.which("ffmpeg"):  # the film is a WebM where it is, else a GIF
        film.save(tmp_path / "film.webm", live + 5)
        asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", tmp_path / "film.webm"]
        assert float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout) == pytest.approx(
            live + 5, abs=1
        )
