"""Where the tests find things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""What a workplace may hold beside the repository: a real vLLM, recordings of Ollama. Tests that want it are skipped without it."""
DATA = ROOT / "tests" / "data"
