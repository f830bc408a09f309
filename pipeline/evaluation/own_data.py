"""A candidate on the evaluation sets of a user's own."""

from pathlib import Path

from mem0_slm import io
from pipeline.data import evalsets
from pipeline.evaluation.retrieval import evaluate
from pipeline.evaluation.settings import RetrievalEvalSettings


def own_sets(candidate: str, model: Path, p: RetrievalEvalSettings) -> dict:
    """Evaluate a candidate on the sets of `p.sets`: metrics by the set's name, with what was malformed in its file."""
    found = {}
    for name, path in p.sets.items():
        own = evalsets.load(path)
        for what, lines in (("left out", own.malformed), ("repaired", own.repaired)):
            for line in lines:
                print(f"{what}: {line}")
        items = own.items[: p.limit or None]
        ids = {item.id for item in items}
        questions = [q for q in own.questions if set(q.evidence) <= ids]
        result = evaluate(candidate, model, items, p, f"mem0_slm_own_{name}_{candidate}", questions)
        found[name] = result.quality | {
            "num_malformed": len(own.malformed),
            "num_evidence_repaired": len(own.repaired),
            "num_questions_without_evidence": own.without_evidence,
            "malformed": own.malformed,
            "evidence_repaired": own.repaired,
            "speed": result.speed,
            "path": path,
            "data_sha256": io.sha256(Path(path).expanduser()),
        }
    return found
