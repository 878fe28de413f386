"""Where completions come from: the model in this process, or a vLLM server beside it."""
