"""Bytes that a computation moves, counted from the shapes: what the bandwidth of the memory is held against."""

FLOAT, TOKEN = 4, 1  # bytes


def scan_bytes(tile: int, stride: int, channels: int = 16, kept: float = 0.1) -> dict[str, float]:
    """Count the bytes that a scan moves per bp of the sequence, at best and as its steps are.

    Parameters
    ----------
    tile, stride : int
        bp; features are made once per bp however many tiles share them, selection and attention once per tile.
    channels : int
        D.
    kept : float
        Share of a tile that is kept.

    Returns
    -------
    dict
        ``least``: tokens read once and predictions written: no program can move less. ``steps``: every array between
        two steps written once and read once, as if no cache held it: codes, responses of both strands, features,
        relevance, and of each tile the relevance again, what is kept and its hidden units.
    """
    per_base = TOKEN + 2 * FLOAT * (1 + 2 * channels + channels + 1)
    per_kept = 2 * FLOAT * (1 + channels + 2 * (channels + 32) + 8)
    tiles = tile / stride
    return {"least": TOKEN + FLOAT / stride, "steps": per_base + tiles * (2 * FLOAT + kept * per_kept)}


def forward_bytes(length: int, kept: int, keys: int, channels: int = 16, scores_held: bool = True) -> float:
    """Count the bytes of a forward pass over one sequence: every array between two steps written and read once.

    Parameters
    ----------
    length, kept, keys : int
        bp, positions that attend, and keys that each is held against.
    channels : int
        D.
    scores_held : bool
        Whether scores and weights are arrays; a fused kernel that works in blocks holds neither.

    Returns
    -------
    float
    """
    share = kept / length
    pairs = 3 * 2 * FLOAT * kept * keys if scores_held else 0  # scores, exponentials, weights
    return length * scan_bytes(length, length, channels, share)["steps"] + pairs
