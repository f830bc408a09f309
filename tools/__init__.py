"""What tests, benchmarks and the walkthrough share."""
