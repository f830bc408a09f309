"""Whether a model works as a Mem0 backend at all."""

import tempfile

PACKAGES = ("mem0ai", "llama-cpp-python")
"""Whose versions stand beside what is found."""
FACTS = ("I live in Hyderabad", "I am allergic to peanuts")


QUERY = "Where do I live and what food should I avoid?"


def check_backend(model) -> dict:
    """Add two facts through real Mem0, search for both; reports what was stored and found, also when it is nothing."""
    from mem0 import Memory

    from mem0_slm.memory import memory_config, watch
    from mem0_slm.stores import close

    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(memory_config(model, path=folder))
        try:
            adds = []
            for fact in FACTS:
                with watch() as events:
                    stored = memory.add(fact, user_id="check")["results"]
                adds.append(
                    {
                        "said": fact,
                        "outcome": events[0].outcome,
                        "answer": events[0].answer,
                        "stored": [m["memory"] for m in stored],
                        "num_stored": len(stored),
                    }
                )
            found = [m["memory"] for m in memory.search(QUERY, filters={"user_id": "check"})["results"]]
        finally:
            close(memory)
    text = " ".join(found).casefold()
    return {
        "adds": adds,
        "facts_stored": sum(bool(a["stored"]) for a in adds),
        "query": QUERY,
        "found": found,
        "city_found": "hyderabad" in text,
        "allergy_found": "peanut" in text,
    }
