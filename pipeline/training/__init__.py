"""Fine-tuning a LoRA adapter."""
