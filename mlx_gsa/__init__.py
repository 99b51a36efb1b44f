"""Genomic Sparse Attention: which few positions of a regulatory DNA sequence make it active.

Importing this package is cheap: MLX, NumPy and matplotlib are imported by the room that needs them
(`mlx_gsa.dna`, `data`, `model`, `training`, `evaluation`, `explain`).
"""

__version__ = "0.1.0"
