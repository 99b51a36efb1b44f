"""One thread per matrix product, while several threads each do their own."""

from functools import lru_cache

from threadpoolctl import ThreadpoolController


def one_blas_thread():
    """Hold every BLAS of this process to one thread within a ``with`` block: the products here are small."""
    return _controller().limit(limits=1, user_api="blas")


@lru_cache(maxsize=1)
def _controller():
    return ThreadpoolController()
