"""The factory: what makes the model and proves it. Imports mem0_slm, never a stage."""
