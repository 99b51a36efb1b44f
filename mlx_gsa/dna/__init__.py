"""Letters, files, coordinates and motifs of DNA; NumPy only, never MLX."""
