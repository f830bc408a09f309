"""Hold the rule of the gate, what follows from the user's words, against statements that readers labelled.

The rule was tuned on one half of the conversations (`labels.held_out` says on which not); the other half measures it.

Reads  data/labels/statements.jsonl, data/labels/conversations.jsonl
Writes metrics/grounding.json (of the half that was held out), reports/runs/grounding.json (both halves)
"""

from mem0_slm import io
from mem0_slm.following.backing import Backing
from mem0_slm.said.clauses import clauses
from pipeline import results
from pipeline.data import labels
from pipeline.evaluation.truth import gate
from stages import run_stage

HEADLINE = ("statements", "precision", "recall")


def main():
    conversations = labels.read_conversations()
    known = labels.read_labels(labels.STATEMENTS, conversations)

    backings: dict[str, Backing] = {}
    for name, messages in conversations.items():
        turns = [(m["role"], m["content"]) for m in messages]
        backings[name] = Backing(clauses(turns), turns)

    def follows(label: labels.Label) -> bool:
        return bool(backings[label.conversation].of(label.statement))

    found = gate(known, follows)
    facts = found | labels.agreement(known) | {"labels_sha256": io.sha256(labels.STATEMENTS)}
    results.record("grounding", facts, headline=results.pick(found["held_out"], HEADLINE))


if __name__ == "__main__":
    run_stage(main)
