"""What outlives a crash, and what is done when something goes wrong: checkpoints, quarantine, SIGTERM."""
