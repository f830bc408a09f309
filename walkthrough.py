"""Record a walkthrough of the project from what it really made: its figures, then the chat itself, in a real browser.

Slides with the figures of metrics/ (data, fine-tuning, exports, retrieval), then app.py with the tuned model in headless
Chromium: a name, a few messages, a new conversation, a question, what was remembered. `make walkthrough`.

Reads  metrics/*.json, reports/plots/*.svg, params.yaml (`app`) and the models named there
Writes reports/walkthrough.gif, docs/app_light.png, docs/app_dark.png
"""

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import io, params

ROOT = Path(__file__).resolve().parent
WIDTH, HEIGHT = 960, 600
CAPTION = 44
"""Height in pixels of the strip under a picture that says what is seen."""
SLIDE_MS, STEP_MS = 8000, 2600
COLOURS = 128
SAID = ["Hi, I'm Ana. I live in Lisbon with my dog Bruno.", "I'm allergic to peanuts and I work as a nurse.", "My brother Tiago is getting married in May."]
ASKED = "What food should I avoid?"


# --- the app and a browser, for the tests as well ---


@dataclass
class App:
    url: str
    process: subprocess.Popen
    lines: list[str]
    """What it printed so far."""


@contextlib.contextmanager
def running_app(place: Path, environment: dict | None = None, /, **settings):
    """app.py as a process of its own on a free port, with these `app` settings; ended at the end.

    place: the folder of its params file. Raises RuntimeError with what it printed if it ends before it is ready.
    """
    from ruamel.yaml import YAML

    section = params.read(ROOT / params.PARAMS_FILE)["app"] | {"port": free_port()} | settings
    file = Path(place) / "params.yaml"
    with open(file, "w") as f:
        YAML().dump({"app": section}, f)
    process = subprocess.Popen(
        [sys.executable, "app.py", "--params", str(file)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | (environment or {}),
    )  # fmt: skip
    app, ready = App("", process, []), threading.Event()

    def read():
        for line in process.stdout:
            app.lines.append(line)
            if line.startswith("Chat with memory: "):
                app.url = line.split()[3]
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        ready.wait(120)
        if not app.url:
            raise RuntimeError(f"app.py did not start:\n{''.join(app.lines)}")
        yield app
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def chromium():
    """A headless browser: the system's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise io.DataError("chromium is not installed. Run `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-background-networking"])
        try:
            yield browser
        finally:
            browser.close()


def enter(page, url: str, name: str) -> None:
    page.goto(url)
    page.locator("#name textarea, #name input").fill(name)
    page.locator("#start").click()
    page.locator("#message textarea").wait_for()


def say(page, text: str) -> None:
    """Send a message and wait for the end of its reply."""
    replies = page.locator('[data-testid="bot"]')
    before = replies.count()
    page.locator("#message textarea").fill(text)
    page.keyboard.press("Enter")
    replies.nth(before).wait_for()
    page.locator("#stop").wait_for(state="hidden", timeout=60_000)
    page.locator("#send").wait_for(state="visible", timeout=60_000)


def settled(page) -> None:
    """Wait until nothing is to be added any more."""
    page.get_by_text("Looking for something to remember").first.wait_for(state="detached", timeout=60_000)


# --- the slides ---

STYLE = """<style>
body {margin: 0; padding: 40px 56px; font: 20px/1.45 system-ui, sans-serif; color: #17202a; background: #fff}
h1 {font-size: 34px; margin: 0 0 18px; color: #0f766e} p {margin: 8px 0} img {max-height: 380px; display: block}
table {border-collapse: collapse; margin: 10px 0} td, th {padding: 7px 16px; text-align: right; border-bottom: 1px solid #d5dbdb}
td:first-child, th:first-child {text-align: left; padding-left: 0} small {color: #667}
</style>"""


def slides(metrics: Path = ROOT / "metrics", plots: Path = ROOT / "reports/plots") -> list[tuple[str, str]]:
    """Caption and HTML of each slide, from the pipeline's own figures."""

    def read(name):
        run = plots.parent / "runs" / f"{name}.json"  # the whole record of what metrics/ has the numbers of
        return io.read_json(run if run.exists() else metrics / f"{name}.json")

    base, data, tuned, exports, speed = read("base"), read("dataset"), read("finetune"), read("export_gguf"), read("finetuned_speed")
    before, check = read("baseline_check"), read("natural_base")
    quality = {name: read(f"retrieval_{name}_quality") for name in ("no_llm", "base", "finetuned")}
    natural = {name: read(f"natural_{name}") for name in ("no_llm", "base", "finetuned")}
    names = {"no_llm": "raw message, no LLM", "base": f"{base['model']}", "finetuned": f"{base['model']}, fine-tuned"}
    said = before["adds"][0]
    return [
        ("What this is", f"<h1>mem0-slm</h1><p>Make a small language model a dependable memory extractor for Mem0, and prove it.</p>"
            f"<p>The base model is {base['model']}. Asked as Mem0's extractor for what to keep of <i>{said['said']}</i>, it ends as <b>{said['outcome']}</b>; "
            f"of {_adds(check)} natural conversations, {check['failed_adds']} adds fail.</p><p>Everything below was measured by <code>dvc repro</code> "
            f"on {speed['host']['threads']} processors without a GPU.</p>"),
        ("The data", f"<h1>Data</h1><p><b>{data['train']['extraction']:,}</b> training examples from <b>{data['train']['frames']:,}</b> conversations written by hand, "
            f"<b>{data['train']['nothing_to_store_share']:.0%}</b> of them with nothing to store; {data['train']['instructions']} general instructions.</p>"
            f"<p>{data['validation']['extraction']} for validation, {data['eval']['queries']} generated and {data['natural']['memories']} natural questions for evaluation.</p>"
            f"<p>Left out of training, for being too like the evaluation: {sum(data['left_out'].values())}.</p>"),
        ("Fine-tuning", f"<h1>Fine-tuning</h1><p>LoRA, {tuned['trainable_parameters']:,} parameters, {tuned['steps']} steps in {tuned['seconds'] / 60:.0f} minutes; "
            f"validation loss {tuned['validation_loss']:.3f}.</p>{_picture(plots / 'loss.svg')}"),
        ("What it is worth to Mem0's search", "<h1>Retrieval through real Mem0 and Qdrant</h1><table><tr><th></th><th>precision@5<br><small>generated</small></th>"
            "<th>precision@5<br><small>natural</small></th><th>small talk stored<br><small>natural</small></th><th>failed adds<br><small>natural</small></th></tr>"
            + "".join(f"<tr><td>{names[c]}</td><td>{quality[c]['precision_at_5']:.3f}</td><td>{natural[c]['precision_at_5']:.3f}</td>"
                      f"<td>{natural[c]['small_talk_stored']:.1%}</td><td>{natural[c].get('failed_adds', '-')}</td></tr>" for c in names) + "</table>"),
        ("The exports", "<h1>Exports</h1><table><tr><th></th><th>megabytes</th><th>well-formed</th><th>same decision as unquantised</th></tr>"
            + "".join(f"<tr><td>GGUF {name}</td><td>{t['bytes'] / 1e6:.0f}</td><td>{t['well_formed']:.0%}</td><td>{t['same_decision_to_store']:.0%}</td></tr>"
                      for name, t in exports["types"].items()) + "</table><table><tr><th></th><th>first token</th><th>tokens/s</th></tr>"
            + "".join(f"<tr><td>{t['engine']}, {t['format']} {t['precision']}</td><td>{t['first_token_p50_s']:.3f} s</td><td>{t['decode_tokens_per_second']:.0f}</td></tr>"
                      for t in speed["targets"].values()) + "</table>"),
    ]  # fmt: skip


def _adds(metrics: dict) -> int:
    return sum(metrics["outcomes"].values())


def _picture(path: Path) -> str:
    return f"<img src='data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}'>" if path.is_file() else ""


# --- recording ---


class Film:
    """Frames for an animated GIF: screenshots, each with a caption and the milliseconds it stays."""

    def __init__(self, page):
        self.page, self.frames, self.times = page, [], []

    def take(self, caption: str, ms: int = STEP_MS) -> None:
        import io as memory

        from PIL import Image, ImageDraw, ImageFont

        picture = Image.open(memory.BytesIO(self.page.screenshot())).convert("RGB")
        frame = Image.new("RGB", (WIDTH, HEIGHT), "#0f766e")
        frame.paste(picture, (0, 0))
        ImageDraw.Draw(frame).text((20, HEIGHT - CAPTION + 11), caption, fill="white", font=ImageFont.load_default(18))
        self.frames.append(frame.quantize(COLOURS, dither=Image.Dither.NONE))
        self.times.append(ms)

    def save(self, path: Path) -> None:
        with io.atomic_path(path) as temporary:
            self.frames[0].save(temporary, format="GIF", save_all=True, append_images=self.frames[1:], duration=self.times, loop=0, optimize=True)


def record(film: Film, url: str) -> None:
    page = film.page
    for caption, text in slides():
        page.set_content(STYLE + text)
        film.take(caption, SLIDE_MS)
    page.goto(url)
    page.locator("#start").wait_for()
    film.take("Live: the chat, on this machine alone. A name keeps memories apart.")
    enter(page, url, "Ana")
    page.wait_for_timeout(600)
    film.take("Nothing is remembered yet.")
    for i, text in enumerate(SAID):
        page.locator("#message textarea").fill(text)
        film.take("A message ...", 1400)
        page.keyboard.press("Enter")
        page.locator("#stop").wait_for()
        page.locator("#send").wait_for(timeout=60_000)
        film.take("The reply streams; adding goes on in the background." if i == 0 else "The reply, and what is being remembered.", 1800)
        settled(page)
        page.wait_for_timeout(1500)
        film.take("What became of the message stands under the reply, the memory beside the chat.")
    page.locator("#fresh").click()
    page.wait_for_timeout(1500)
    film.take("A new conversation: the model sees none of the messages above any more.")
    say(page, ASKED)
    settled(page)
    page.wait_for_timeout(1500)
    film.take("Memories that are like the question go into the prompt; their scores stand beside the chat.", SLIDE_MS)


def screenshots(browser, url: str) -> None:
    """The conversation that was recorded, as the README shows it."""
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1180, "height": 720}, color_scheme=scheme)
        page.goto(f"{url}?name=Ana")
        page.locator("#cards .card, #cards .empty").first.wait_for()
        page.wait_for_timeout(1500)
        path = ROOT / f"docs/app_{scheme}.png"
        with io.atomic_path(path) as temporary:
            page.screenshot(path=temporary, type="png")
            _shrink(temporary)
        page.close()
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def _shrink(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, format="PNG", optimize=True)


def main() -> None:
    target = ROOT / "reports/walkthrough.gif"
    try:
        with tempfile.TemporaryDirectory() as folder, running_app(folder, folder=f"{folder}/memories") as app, chromium() as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT - CAPTION})
            film = Film(page)
            record(film, app.url)
            film.save(target)
            print(f"{target.relative_to(ROOT)}: {len(film.frames)} frames, {sum(film.times) / 1000:.0f} s, {target.stat().st_size / 1000:.0f} kB")
            screenshots(browser, app.url)
    except (io.DataError, params.ParamsError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
