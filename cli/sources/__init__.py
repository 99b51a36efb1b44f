"""One Click file per source of `gsa prepare`: options in, one call of `mlx_gsa.data`, the summary out."""
