"""Data sets: the on-disk form, where they come from, how they are split and batched."""
