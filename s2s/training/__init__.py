"""The loss, the optimiser, checkpoints and the loop."""
