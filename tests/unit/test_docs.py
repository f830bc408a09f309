"""README and docs: their figures are those of the files, their links lead somewhere, their commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "data/labels/README.md")
)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub's anchors."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_figures_are_those_of_the_files():
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.report.figures", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"run `make docs`:\n{done.stdout}{done.stderr}"


def test_the_readme_is_read_in_a_minute():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{name}: {target}: no such file"
        assert not anchor or anchor in anchors(found), f"{name}: {target}: no such heading in {path or name}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist(name):
    """Each `make <target>` and `python -m <module>` on a page."""
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"(?:^ {4}|`)make ([\w-]+)", text, re.MULTILINE):
        assert target in targets, f"{name}: make {target}: no such target"
    for module in re.findall(r"python -m ((?:stages|benchmarks|tools|pipeline)\.[\w.]+)", text):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), f"{name}: python -m {module}: no such module"
