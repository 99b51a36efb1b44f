"""Motif stem: linear filters over a motif-sized window, normalised exactly, then a sharp non-linearity.

The filters are linear in the tokens, so the whole bank is a sum of lookups in tables of 4-mers: the same numbers as a
convolution at a fraction of the cost on a CPU. Both forms are here; `filter_bank` makes the weights that both use.
"""

import mlx.core as mx
import mlx.nn as nn

from mlx_gsa.model.embeddings import N_TOKENS

WORD = 4  # bp looked up at once: 6^4 rows of 16-32 floats stay in a core's cache
PAD = N_TOKENS - 1
SATURATION = 8.0  # highest value of a feature
_SMALL_PRODUCT = 10**6  # multiplications up to which OpenBLAS multiplies without copying its input first
_FEW_ROWS = 32
_COMPLEMENT = (3, 2, 1, 0, 4, 5)


class MotifStem(nn.Module):
    """Filters of `width` bp, normalised against the background, turned into occupancy above a threshold.

    The response of a filter is centred and divided by its standard deviation over independent nucleotides of the
    training split's composition. Both follow from the weights alone, so there are no batch statistics: the result
    depends on nothing but the sequence, and training and inference compute the same thing. PAD contributes exactly
    zero, which after centring is what an average nucleotide contributes.

    Parameters
    ----------
    n_channels : int
        Number of filters and of output channels, D.
    width : int
        Filter width in bp, W.
    embedding_channels : int, optional
        Width E of the embeddings; without it, D.
    strands : {"both", "forward"}
        "both": the response at a position is the larger of the filter's and its reverse complement's.
    """

    def __init__(self, n_channels: int = 16, width: int = 20, strands: str = "both", embedding_channels=None):
        super().__init__()
        embedding_channels = embedding_channels or n_channels
        self.weight = mx.random.normal((width, n_channels, embedding_channels)) / embedding_channels
        self.gain = mx.ones((n_channels,))
        self.threshold = mx.full((n_channels,), 2.0)
        self.width, self.strands = width, strands
        self.composition = mx.array([0.25, 0.25, 0.25, 0.25])  # A, C, G, T of the training split
        self.freeze(keys=["composition"], recurse=False)

    def filter_bank(self, table: mx.array) -> tuple[mx.array, mx.array]:
        """Fold embeddings, normalisation and both strands into one bank.

        Parameters
        ----------
        table : mx.array (6, E)
            Vectors of the tokens.

        Returns
        -------
        bank : mx.array (S, W, 6, D)
            Response of each token at each offset; S is 2 for both strands (forward first), else 1.
        bias : mx.array (D,)
            Added to the response before the non-linearity.
        """
        raw = mx.einsum("wde,te->wtd", self.weight, table)
        bases, p = raw[:, :4], self.composition[None, :, None]
        mean = (bases * p).sum(axis=1, keepdims=True)
        variance = (mx.square(bases - mean) * p).sum(axis=(0, 1))
        scale = self.gain * mx.rsqrt(variance + 1e-6)
        bank = mx.concatenate([(raw[:, :PAD] - mean) * scale, mx.zeros_like(mean)], axis=1)
        strands = [bank, bank[::-1][:, mx.array(_COMPLEMENT)]] if self.strands == "both" else [bank]
        return mx.stack(strands), -self.threshold

    def __call__(self, tokens: mx.array, table: mx.array, kernel: str) -> mx.array:
        """Return the features of every position.

        Parameters
        ----------
        tokens : mx.array (B, L), integer
            Tokens; PAD (5) after the end of each sequence.
        table : mx.array (6, E)
            Vectors of the tokens.
        kernel : {"lookup", "conv"}
            Which of the two exact forms computes the responses.

        Returns
        -------
        mx.array (B, L, D) in [0, 8)
        """
        return bank_features(tokens, *self.filter_bank(table), kernel)


def bank_features(tokens: mx.array, bank: mx.array, bias: mx.array, kernel: str) -> mx.array:
    """Return the features (B, L, D) of tokens (B, L) by a bank and bias of `MotifStem.filter_bank`."""
    return (lookup_features if kernel == "lookup" else conv_features)(tokens, bank, bias)


def occupancy(responses: list[mx.array], bias: mx.array) -> mx.array:
    """Turn responses into binding: nothing below the threshold, quadratic above it, then saturating.

    The Hill function ``u^2 / (1 + u^2 / c)`` of what exceeds the threshold, with c = 8 at saturation. The square makes
    it sharp, without an exponential; saturation keeps one long, perfect site from outweighing all others.

    Parameters
    ----------
    responses : list of S mx.array (B, L, D)
        Response on each strand; the stronger counts.
    bias : mx.array (D,)
        Minus the threshold.

    Returns
    -------
    mx.array (B, L, D) in [0, 8)
    """
    squared = mx.square(mx.maximum(_stronger(responses) + bias, 0))
    return squared / (1 + squared * (1 / SATURATION))


def _stronger(responses):
    return mx.maximum(*responses) if len(responses) == 2 else responses[0]


def pad_window(tokens: mx.array, width: int) -> mx.array:
    """Add PAD so that a window of `width` bp is centred on every position: (B, L) -> (B, L + width - 1)."""
    left = (width - 1) // 2
    return mx.pad(tokens, ((0, 0), (left, width - 1 - left)), constant_values=PAD)


def conv_filters(tokens: mx.array, bank: mx.array) -> list[mx.array]:
    """Apply a bank (S, W, 6, D) to tokens (B, L) as a convolution of one-hot rows; S responses (B, L, D)."""
    one_hot = (pad_window(tokens, bank.shape[1])[..., None] == mx.arange(N_TOKENS)).astype(bank.dtype)
    return [mx.conv1d(one_hot, strand.transpose(2, 0, 1)) for strand in bank]


def lookup_filters(tokens: mx.array, bank: mx.array) -> list[mx.array]:
    """Apply a bank (S, W, 6, D) to tokens (B, L) as a sum of 4-mer lookups; S responses (B, L, D).

    Both strands lie side by side in one table: a look-up costs the same for 32 channels as for 16.
    """
    length, codes = tokens.shape[1], word_codes(tokens, bank.shape[1])
    response = None
    for number, table in enumerate(word_tables(mx.concatenate(list(bank), axis=-1))):
        part = table[codes[:, number * WORD : number * WORD + length]]
        response = part if response is None else response + part
    return mx.split(response, bank.shape[0], axis=-1)


def conv_features(tokens: mx.array, bank: mx.array, bias: mx.array) -> mx.array:
    """Compute the features (B, L, D) of tokens (B, L) as a convolution of one-hot rows."""
    return occupancy(conv_filters(tokens, bank), bias)


def lookup_features(tokens: mx.array, bank: mx.array, bias: mx.array) -> mx.array:
    """Compute the features (B, L, D) of tokens (B, L) as a sum of 4-mer lookups.

    The gradient with respect to the bank is one matrix product of the unfolded one-hot rows with the incoming
    gradient; scattering it back through the lookups costs several times as much.
    """
    return _lookup_features(bank, bias, tokens)[0]


def word_tables(bank: mx.array) -> mx.array:
    """Sum a bank (W, 6, F) over every 4-mer: (ceil(W / 4), 6^4, F), missing offsets counting as zero."""
    width, _, n_filters = bank.shape
    n_words = -(-width // WORD)
    bank = mx.pad(bank, ((0, n_words * WORD - width), (0, 0), (0, 0)))
    parts = bank.reshape(n_words, WORD, N_TOKENS, n_filters)
    table = parts[:, 0]
    for offset in range(1, WORD):
        table = (table[:, :, None] + parts[:, offset][:, None]).reshape(n_words, -1, n_filters)
    return table


def word_codes(tokens: mx.array, width: int) -> mx.array:
    """Number the 4-mer that starts at each position: (B, L) -> (B, L + 4 * (ceil(width / 4) - 1)) int32."""
    n_words = -(-width // WORD)
    padded = pad_window(tokens.astype(mx.int32), width)
    padded = mx.pad(padded, ((0, 0), (0, n_words * WORD - width)), constant_values=PAD)
    length = padded.shape[1] - WORD + 1
    code = padded[:, :length]
    for offset in range(1, WORD):
        code = code * N_TOKENS + padded[:, offset : offset + length]
    return code


def filter_responses(tokens: mx.array, bank: mx.array, kernel: str) -> mx.array:
    """Return what a bank (S, W, 6, D) says of tokens (B, L), the stronger strand alone: (B, L, D).

    Parameters
    ----------
    tokens, bank : mx.array
    kernel : {"lookup", "conv"}
        Which of the two exact forms computes it.
    """
    return _stronger(conv_filters(tokens, bank) if kernel == "conv" else _looked_up(bank, tokens))


@mx.custom_function
def _looked_up(bank, tokens):
    return tuple(lookup_filters(tokens, bank))


@_looked_up.vjp
def _looked_up_vjp(primals, cotangents, outputs):
    bank, tokens = primals
    return _bank_gradient(bank, tokens, cotangents), mx.zeros_like(tokens)


@mx.custom_function
def _lookup_features(bank, bias, tokens):
    responses = lookup_filters(tokens, bank)
    excess = mx.maximum(_stronger(responses) + bias, 0)
    share = 1 / (1 + mx.square(excess) * (1 / SATURATION))
    heard = [responses[0] >= responses[1]] if len(responses) == 2 else []
    return mx.square(excess) * share, excess, share, *heard


@_lookup_features.vjp
def _lookup_features_vjp(primals, cotangents, outputs):
    bank, _, tokens = primals
    _, excess, share, *heard = outputs
    slope = cotangents[0] * excess * mx.square(share) * 2
    parts = [slope]
    if heard:
        forward = slope * heard[0]
        parts = [forward, slope - forward]
    return _bank_gradient(bank, tokens, parts), slope.sum(axis=(0, 1)), mx.zeros_like(tokens)


def _bank_gradient(bank, tokens, parts):
    """Gradient of a bank from that of its responses, one part (B, L, D) per strand.

    In blocks of positions: a BLAS has a faster way with small products, and the blocks stay in the cache.
    """
    _, width, n_rows, n_channels = bank.shape
    block = rows_at_once(tokens.size, width * PAD * n_channels)
    windows = unfold(tokens, width).reshape(-1, block, width * PAD).swapaxes(1, 2)
    sums = [(windows @ part.reshape(-1, block, n_channels)).sum(axis=0).reshape(width, PAD, -1) for part in parts]
    return mx.pad(mx.stack(sums), ((0, 0), (0, 0), (0, n_rows - PAD), (0, 0)))


def rows_at_once(n_rows: int, work: int) -> int:
    """Choose the rows of a block: the most that divide `n_rows` evenly and make a small matrix product.

    Parameters
    ----------
    n_rows : int
        Rows to sum over.
    work : int
        Multiplications a row.

    Returns
    -------
    int
        `n_rows` itself where only a few would divide it.
    """
    most = min(_SMALL_PRODUCT // work, n_rows)
    block = next((rows for rows in range(most, 0, -1) if n_rows % rows == 0), n_rows)
    return block if block >= min(_FEW_ROWS, n_rows) else n_rows


def unfold(tokens: mx.array, width: int) -> mx.array:
    """Lay the one-hot window {A, C, G, T, N} of every position in a row: (B, L) -> (B * L, W * 5) float32."""
    n_sequences, length = tokens.shape
    rows = mx.contiguous((pad_window(tokens, width)[..., None] == mx.arange(PAD)).astype(mx.float32))
    strides = ((length + width - 1) * PAD, PAD, 1)
    return mx.as_strided(rows, (n_sequences, length, width * PAD), strides).reshape(-1, width * PAD)
