"""The tuned model in other forms: merged, 4 bits, adapter, GGUF; each proven equal."""
