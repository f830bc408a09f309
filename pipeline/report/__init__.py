"""Tables, plots and a verdict from what was measured."""
