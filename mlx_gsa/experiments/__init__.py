"""Experiments as data: what a sweep runs, in which order, what is done already, and how long the rest will take."""
