"""Inference: a trained model in use, as fast as the machine allows."""

from mlx_gsa.runtime import prepare_mlx

prepare_mlx()  # before any other import of mlx.core: the loader binds BLAS once
