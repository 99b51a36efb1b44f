"""The organism: embeddings, stem, selector, attention, approximator (MLX)."""

from mlx_gsa.runtime import prepare_mlx

prepare_mlx()  # before any other import of mlx.core: the loader binds BLAS once
