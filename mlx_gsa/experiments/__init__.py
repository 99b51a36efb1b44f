"""Experiments as data: sweeps, comparisons, and the results page that is made from them."""
