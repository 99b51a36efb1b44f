"""Benchmarks: what the program costs beside strong rivals, each in a process of its own."""
