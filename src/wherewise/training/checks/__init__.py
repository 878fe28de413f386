"""What is looked at before a run spends anything: data, prompts, rewards, memory, the model itself."""
