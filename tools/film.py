"""A film of the page, from screenshots."""

import re
import subprocess
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from mem0_slm import io
from tools.browser import PATIENCE

WIDTH, HEIGHT = 960, 600
"""Pixels of the film."""
CAPTION = 44
"""Height in pixels of the strip under a picture that says what is seen."""
WORDS_PER_SECOND, LOOK_SECONDS = 2.7, 1.5
"""How fast a picture's words are read, and how long it is looked at besides."""
LIVE_FPS, WORD_SECONDS, LEAST_SECONDS, FPS = 5, 0.2, 0.05, 10
"""Pictures a second of what happens; seconds of a written word, of a picture at least; pictures a second of a WebM."""
COLOURS = 128
"""Colours of a GIF and of the screenshots."""
VP9 = "-pix_fmt yuv420p -c:v libvpx-vp9 -b:v 0 -crf 34 -deadline realtime -cpu-used 6 -row-mt 1"
"""How ffmpeg writes a WebM."""


@dataclass
class Frame:
    """One picture of a film."""

    file: Path
    seconds: float
    reading: bool
    """Whether the seconds are for reading; else they are what the thing shown took."""


class Film:
    """Pictures of pages, each with a caption under it, as PNG files in a folder; `save` makes a film of them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.frames: list[Frame] = []

    def still(self, page, caption: str, show: str = "", words: int = 0) -> None:
        """A picture to read: the caption, and `words` more. `show`: a selector of what is outlined in it."""
        outline = "([selector, style]) => document.querySelectorAll(selector).forEach((e) => e.style.outline = style)"
        if show:
            page.evaluate(outline, [show, "3px solid #f59e0b"])
        self._take(page, caption, LOOK_SECONDS + (len(caption.split()) + words) / WORDS_PER_SECOND, reading=True)
        if show:
            page.evaluate(outline, [show, ""])

    def live(self, page, caption: str, over, most: float = PATIENCE) -> None:
        """Pictures of what happens, one after the other, until `over()`. Raises RuntimeError after `most` seconds."""
        end = time.monotonic() + most
        while not over():
            began = time.monotonic()
            if began > end:
                raise RuntimeError(f"walkthrough: {caption!r} was not over after {most:.0f} s")
            self._take(page, caption, 0)
            page.wait_for_timeout(max(0, 1000 * (began + 1 / LIVE_FPS - time.monotonic())))
            self.frames[-1].seconds = time.monotonic() - began

    def write(self, page, box: str, text: str, caption: str) -> None:
        """Text that is written into a box, word by word."""
        page.locator(box).first.focus()
        for word in re.findall(r"\S+\s*", text):
            page.keyboard.insert_text(word)
            self._take(page, caption, WORD_SECONDS)

    def _take(self, page, caption: str, seconds: float, reading: bool = False) -> None:
        from PIL import Image, ImageDraw, ImageFont

        picture = Image.open(BytesIO(page.screenshot()))
        frame = Image.new("RGB", (WIDTH, HEIGHT), "#0f766e")
        frame.paste(picture, ((WIDTH - picture.width) // 2, 0))
        ImageDraw.Draw(frame).text((20, HEIGHT - CAPTION + 11), caption, fill="white", font=ImageFont.load_default(18))
        file = self.folder / f"{len(self.frames):05}.png"
        frame.save(file, compress_level=1)
        self.frames.append(Frame(file, seconds, reading))

    def times(self, seconds: float) -> list[float]:
        """Seconds of each picture in a film of `seconds`: what was live stays as it was, time for reading is fitted."""
        live = sum(frame.seconds for frame in self.frames if not frame.reading)
        pace = max(0.0, seconds - live) / sum(frame.seconds for frame in self.frames if frame.reading)
        return [max(f.seconds * pace, LEAST_SECONDS) if f.reading else f.seconds for f in self.frames]

    def save(self, path: Path, seconds: float) -> None:
        """Write the film as path's ending says: .webm (by ffmpeg) or .gif."""
        times = self.times(seconds)
        with io.atomic_path(path) as temporary:
            if path.suffix == ".webm":
                self._webm(temporary, times)
            else:
                self._gif(temporary, times)

    def _webm(self, path: Path, times: list[float]) -> None:
        listed = "".join(f"file '{frame.file}'\nduration {s:.3f}\n" for frame, s in zip(self.frames, times))
        last = f"file '{self.frames[-1].file}'\n"  # ffmpeg gives the last picture no time unless it comes again
        frames = self.folder / "frames.txt"
        io.write_text(frames, listed + last)
        read, length = ["-f", "concat", "-safe", "0", "-i", frames], ["-t", f"{sum(times):.3f}", "-r", str(FPS)]
        command = ["ffmpeg", "-v", "error", *read, *length, *VP9.split(), path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"ffmpeg could not make {path.name}: {done.stderr.strip()}")

    def _gif(self, path: Path, times: list[float]) -> None:
        from PIL import Image

        frames = [Image.open(frame.file).quantize(COLOURS, dither=Image.Dither.NONE) for frame in self.frames]
        options = {"duration": [round(1000 * s) for s in times], "loop": 0, "optimize": True}
        frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], **options)
