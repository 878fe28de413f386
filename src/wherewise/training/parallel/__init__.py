"""Several processes: who they are, how the model lies on them, and how it comes back whole."""
