"""The pages of results, written from machine-readable files and from nothing else."""
