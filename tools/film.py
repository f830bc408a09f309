"""A film of the page, from screenshots."""

import re
import subprocess
import time
from pathlib import Path

from mem0_slm import io

WIDTH, HEIGHT = 960, 600


CAPTION = 44
"""Height in pixels of the strip under a picture that says what is seen."""


WORDS_PER_SECOND, LOOK_SECONDS = 2.7, 1.5
"""How fast a picture's words are read, and how long it is looked at besides."""


LIVE_FPS, WORD_SECONDS, LEAST_SECONDS, FPS = 5, 0.2, 0.05, 10
"""Pictures a second of what happens; time of a word that is written; least time of a picture; pictures a second of the WebM."""


COLOURS = 128


class Film:
    """Pictures of pages, each with a caption under it, as PNG files of a folder; made a film by `save`."""

    def __init__(self, folder):
        self.folder, self.frames = Path(folder), []
        """Of each picture: its file, its seconds, and whether they are for reading."""

    def still(self, page, caption: str, show: str = "", words: int = 0) -> None:
        """A picture to read: the caption, and `words` more. `show`: a selector, of what is outlined."""
        outline = "(selector, style) => document.querySelectorAll(selector).forEach((e) => e.style.outline = style)"
        if show:
            page.evaluate(f"([selector, style]) => ({outline})(selector, style)", [show, "3px solid #f59e0b"])
        self._take(page, caption, LOOK_SECONDS + (len(caption.split()) + words) / WORDS_PER_SECOND, reading=True)
        if show:
            page.evaluate(f"([selector, style]) => ({outline})(selector, style)", [show, ""])

    def live(self, page, caption: str, over, most: float = 120) -> None:
        """Pictures of what happens, one after the other, until `over()`."""
        end = time.monotonic() + most
        while not over():
            began = time.monotonic()
            if began > end:
                raise RuntimeError(f"walkthrough: {caption!r} was not over after {most:.0f} s")
            self._take(page, caption, 0)
            page.wait_for_timeout(max(0, 1000 * (began + 1 / LIVE_FPS - time.monotonic())))
            self.frames[-1][1] = time.monotonic() - began

    def write(self, page, box: str, text: str, caption: str) -> None:
        """Text that is written into a box, word by word."""
        page.locator(box).first.focus()
        for word in re.findall(r"\S+\s*", text):
            page.keyboard.insert_text(word)
            self._take(page, caption, WORD_SECONDS)

    def _take(self, page, caption: str, seconds: float, reading: bool = False) -> None:
        import io as memory

        from PIL import Image, ImageDraw, ImageFont

        picture = Image.open(memory.BytesIO(page.screenshot()))
        frame = Image.new("RGB", (WIDTH, HEIGHT), "#0f766e")
        frame.paste(picture, ((WIDTH - picture.width) // 2, 0))
        ImageDraw.Draw(frame).text((20, HEIGHT - CAPTION + 11), caption, fill="white", font=ImageFont.load_default(18))
        file = self.folder / f"{len(self.frames):05}.png"
        frame.save(file, compress_level=1)
        self.frames.append([file, seconds, reading])

    def times(self, seconds: float) -> list[float]:
        """Seconds of each picture in a film of `seconds`: what was live stays as it was, the time for reading is fitted."""
        live = sum(s for _, s, reading in self.frames if not reading)
        pace = max(0.0, seconds - live) / sum(s for _, s, reading in self.frames if reading)
        return [max(s * pace, LEAST_SECONDS) if reading else s for _, s, reading in self.frames]

    def save(self, path: Path, seconds: float) -> None:
        """Write the film as path's ending says: .webm (by ffmpeg) or .gif."""
        times = self.times(seconds)
        with io.atomic_path(path) as temporary:
            if path.suffix == ".webm":
                self._webm(temporary, times)
            else:
                self._gif(temporary, times)

    def _webm(self, path: Path, times: list[float]) -> None:
        listed = "".join(f"file '{file}'\nduration {s:.3f}\n" for (file, _, _), s in zip(self.frames, times))
        io.write_text(
            self.folder / "frames.txt", f"{listed}file '{self.frames[-1][0]}'\n"
        )  # ffmpeg gives the last picture no time unless it comes again
        done = subprocess.run(
            [
                "ffmpeg",
                "-v",
                "error",
                "-f",
                "concat",
                "-safe",
                "0",
                "-i",
                self.folder / "frames.txt",
                "-t",
                f"{sum(times):.3f}",
                "-r",
                str(FPS),
                "-pix_fmt",
                "yuv420p",
                "-c:v",
                "libvpx-vp9",
                "-b:v",
                "0",
                "-crf",
                "34",
                "-deadline",
                "realtime",
                "-cpu-used",
                "6",
                "-row-mt",
                "1",
                path,
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"ffmpeg could not make {path.name}: {done.stderr.strip()}")

    def _gif(self, path: Path, times: list[float]) -> None:
        from PIL import Image

        frames = [Image.open(file).quantize(COLOURS, dither=Image.Dither.NONE) for file, _, _ in self.frames]
        frames[0].save(
            path,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=[round(1000 * s) for s in times],
            loop=0,
            optimize=True,
        )
