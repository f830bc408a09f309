"""An evaluation set of a user's own through the real Mem0."""

from tests.paths import DATA

LOCOMO = DATA / "locomo_small.json"


def test_recall_of_evidence_through_real_mem0(tmp_path, in_root, base_gguf):
    """Raw turns, stored and searched: every question's evidence is among four turns, so recall is whole."""
    from pipeline.evaluation import own_data
    from pipeline.evaluation.settings import RetrievalEvalSettings

    values = {
        "engine": "llama_cpp",
        "finetuned_model": "",
        "base_type": "",
        "constrain": "schema",
        "gate": False,
        "max_tokens": 16,
        "concurrency": 2,
        "top_k": 20,
        "qdrant": "embedded",
        "embedder": "minilm",
        "threads": 0,
    }
    p = RetrievalEvalSettings(**values, limit=0, decodings=[], decoding_items=0, sets={"locomo": str(LOCOMO)})
    found = own_data.own_sets("no_llm", base_gguf, p)["locomo"]
    assert (
        found["num_items"],
        found["num_questions"],
        found["num_malformed"],
        found["num_questions_without_evidence"],
    ) == (4, 6, 6, 1)
    assert found["num_evidence_repaired"] == len(found["evidence_repaired"]) == 4
    assert found["by_category"]["single_hop"] == {"num_questions": 3, "recall_at_5": 1.0, "recall_at_10": 1.0}
    assert sum(c["num_questions"] for c in found["by_category"].values()) == 6
    assert (found["evidence_recall_at_5"], found["evidence_recall_at_10_ci"]) == (1.0, [1.0, 1.0])
