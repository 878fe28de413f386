"""Vision-language models: load and save, prompts to tensors, LoRA, and tiny real models built from nothing."""
