"""Experiments: many runs at once, made, collected and held against each other."""
