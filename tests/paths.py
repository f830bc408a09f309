"""Where the tests find things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""Beside the repository there may be a real vLLM and recordings of Ollama. Tests that want them are skipped without."""
DATA = ROOT / "tests" / "data"
