"""A band: attention of every place in a list to the places near it, in blocks, linear in the length of the list."""

import mlx.core as mx

from mlx_gsa.model.exponential import softmax

FORBIDDEN = -1e9


def attend_in_band(queries, keys, values, key_bias, width: int, shared=None) -> mx.array:
    """Attend to the `width` places before and after, and to some places that all see.

    The list is cut into blocks of `width` places. What a place may see lies in its own block and the two beside it, so
    there are K x 3 width scores instead of K x K.

    Parameters
    ----------
    queries, keys : mx.array (B, K, P)
    values : mx.array (B, K, V)
    key_bias : mx.array (B, K)
        Added to every score of a key; `FORBIDDEN` where it may not be attended.
    width : int
        Places seen on either side.
    shared : mx.array int32 (B, G), optional
        Places that all see.

    Returns
    -------
    mx.array (B, K, V)
        Sum of the values by their softmax weights.
    """
    n_sequences, length, n_channels = queries.shape
    columns = mx.concatenate([keys, values], axis=-1)
    seen, bias = (_own_and_beside(x, width, fill) for x, fill in ((columns, 0), (key_bias, FORBIDDEN)))
    allowed = _near(mx.arange(width), mx.arange(3 * width) - width, width)
    if shared is not None:
        seen, bias = _with_shared(seen, columns, shared[..., None]), _with_shared(bias, key_bias, shared)
        places = mx.arange(seen.shape[1] * width).reshape(-1, width)
        is_far = ~_near(places, shared[:, None], width)
        allowed = mx.concatenate([mx.broadcast_to(allowed, (*is_far.shape[:3], 3 * width)), is_far], axis=-1)
    rows = _in_blocks(queries, width)
    scores = rows @ seen[..., :n_channels].swapaxes(-1, -2) + bias[..., None, :]
    weights = softmax(mx.where(allowed, scores, FORBIDDEN))
    attended = weights.astype(values.dtype) @ seen[..., n_channels:]
    return attended.reshape(n_sequences, -1, values.shape[-1])[:, :length]


def in_band(length: int, width: int) -> mx.array:
    """Say which pairs of a list of `length` places lie in the band: bool (K, K)."""
    return _near(mx.arange(length), mx.arange(length), width)


def _near(rows, columns, width):
    return mx.abs(mx.expand_dims(rows, -1) - mx.expand_dims(columns, -2)) <= width


def _own_and_beside(values, width, fill):
    """Lay out what each block sees, (B, K, ...) -> (B, K / width, 3 width, ...): the block before, itself, the next."""
    blocks = _in_blocks(values, width, fill)
    empty = mx.full(blocks[:, :1].shape, fill, dtype=blocks.dtype)
    before, after = mx.concatenate([empty, blocks[:, :-1]], axis=1), mx.concatenate([blocks[:, 1:], empty], axis=1)
    return mx.concatenate([before, blocks, after], axis=2)


def _in_blocks(values, width, fill=0):
    excess = -values.shape[1] % width
    padding = [(0, 0), (0, excess)] + [(0, 0)] * (values.ndim - 2)
    padded = mx.pad(values, padding, constant_values=mx.array(fill, dtype=values.dtype))
    return padded.reshape(values.shape[0], -1, width, *values.shape[2:])


def _with_shared(seen, values, index):
    """Add to what each block sees the places that all see."""
    shared = mx.take_along_axis(values, index, axis=1)[:, None]
    return mx.concatenate([seen, mx.broadcast_to(shared, (*seen.shape[:2], *shared.shape[2:]))], axis=2)
