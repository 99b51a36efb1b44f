"""Training: first filters, losses, differential-rate optimizer, loop, checkpoints, run folders."""
