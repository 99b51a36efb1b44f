"""Sizes of the convolutional rivals, without a model: what the model is built by and its cost counted by."""

POOL = 4  # bp a step of the second layer of the small CNN
SECOND_WIDTH = 7  # steps seen by one of its kernels
HIDDEN = 16  # units of its dense layer
SMALL_EMBEDDING = 4  # four bases need no more
SMALL_BINS = 8  # equal parts of a sequence that its last layer tells apart
LARGE_KERNELS = (16, 8, 4)
LARGE_WIDTH = 8  # bp, or steps, of each
LARGE_EMBEDDING = 100
LARGE_BINS = 32  # of the last layer: what is there flattened at a fixed length
LARGE_HIDDEN = 512


def small_pooled(n_filters: int) -> int:
    """Count the numbers that the small CNN's dense layer reads: two maxima, one mean, one mean per part."""
    return n_filters * (3 + SMALL_BINS)


def small_parameters(config, n_filters: int) -> int:
    """Count the learned numbers of a small CNN with so many filters."""
    embeddings = 5 * SMALL_EMBEDDING if config.embeddings == "learned" else 0
    first = n_filters * (config.filter_width * SMALL_EMBEDDING + 2)
    second = n_filters * (SECOND_WIDTH * n_filters + 1)
    hidden = HIDDEN * (small_pooled(n_filters) + 1)
    return embeddings + first + second + hidden + config.n_outputs * (HIDDEN + 1)
