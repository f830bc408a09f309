"""Write the report: what was measured, against the original work and against storing raw messages, with a verdict.

Reads  metrics, reports/runs, reports/items_<candidate>.jsonl, benchmarks/search.json
Writes reports/report.md, reports/report.html (one file, works offline), reports/plots/*.svg
"""

from mem0_slm import io
from pipeline.paths import REPORTS
from pipeline.report import measured, plots, render
from stages import run_stage


def main():
    found = measured.load()
    plots.draw_all(REPORTS / "plots", found)
    text = render.markdown(found)
    io.write_text(REPORTS / "report.md", text)
    io.write_text(REPORTS / "report.html", render.page(text, REPORTS / "plots"))


if __name__ == "__main__":
    run_stage(main)
