"""The sparse model and its dense form in PyTorch, from the same weights: the rival of the benchmark.

Runs in a Python of its own that needs numpy and torch only. Written for sequences of one length without padding, which
saves the rival every mask; otherwise the same numbers as `mlx_gsa.model`, default configuration, gradients included.
"""

import math

import torch
import torch.nn.functional as F

PAD, N_TOKENS, WORD = 5, 6, 4
SATURATION, SMALLEST_GATE = 8.0, 1e-6
WAVELENGTHS, N_WAVES = (16.0, 20000.0), 16
STEMS = ("lookup", "gemm", "conv")
ATTENTIONS = ("softmax", "fused")
_COMPLEMENT = [3, 2, 1, 0, 4, 5]


class TorchOrganism(torch.nn.Module):
    """Embeddings, stem, selector, attention, approximator and the selector's own readout.

    Parameters
    ----------
    weights : dict of str to ndarray
        By the names of the MLX model's parameters.
    kept : int or None
        Positions kept; None keeps every one (the dense rival).
    reference_budget : float
        k in the 1/sqrt(k) of the gated sum.
    stem : {"lookup", "gemm", "conv"}
        "lookup": sums of 4-mer embeddings (`embedding_bag`); "gemm": the same with the gradient as a matrix product;
        "conv": `conv1d` over one-hot rows.
    attention : {"softmax", "fused"}
        Scores, softmax and product one by one, or `scaled_dot_product_attention`.
    """

    def __init__(self, weights: dict, kept: int | None, reference_budget: float, stem="lookup", attention="fused"):
        super().__init__()
        arrays = {name.replace(".", "_"): torch.tensor(value) for name, value in weights.items()}
        for name, value in arrays.items():
            if name == "stem_composition":
                self.register_buffer(name, value)
            else:
                self.register_parameter(name, torch.nn.Parameter(value))
        waves = torch.linspace(math.log(WAVELENGTHS[0]), math.log(WAVELENGTHS[1]), N_WAVES, dtype=torch.float64)
        self.register_buffer("frequencies", (2 * math.pi / waves.exp()).float())
        self.kept, self.scale, self.stem, self.fused = kept, reference_budget**-0.5, stem, attention == "fused"
        self.folded = None

    def fold(self) -> "TorchOrganism":
        """Make what follows from the weights alone once, for inference."""
        with torch.inference_mode():
            self.folded = self._bank_of_form()
        return self

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return prediction and local prediction (B, n_outputs) of tokens uint8 (B, L)."""
        features = self.features(tokens)
        relevance = self.relevance(features)
        prediction = self.predict_from(features, relevance)
        weights = torch.sigmoid(self.gate_scale * relevance + self.gate_shift)
        pooled = torch.bmm(weights[:, None], features)[:, 0] * (1 / SATURATION)
        return prediction, F.linear(pooled, self.readout_weight, self.readout_bias)

    def predict(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return only the prediction (B, n_outputs)."""
        features = self.features(tokens)
        return self.predict_from(features, self.relevance(features))

    def predict_from(self, features, relevance):
        """Keep, attend and sum: features (B, L, D), relevance (B, L) -> (B, n_outputs)."""
        chosen, relevance, positions = self.keep(features, relevance)
        gates = torch.sigmoid(self.gate_scale * relevance + self.gate_shift)
        queries, joined = self.attend(chosen, positions, gates)
        hidden = F.relu(F.linear(torch.cat([queries, joined], -1), self.approximator_input_weight,
                                 self.approximator_input_bias))  # fmt: skip
        strength = F.linear(hidden, self.approximator_output_weight, self.approximator_output_bias)
        return torch.bmm(gates[:, None], strength)[:, 0] * self.scale + self.bias

    def features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the occupancy of every filter at every position (B, L, D)."""
        bank = self._bank_of_form() if self.folded is None else self.folded
        width = self.stem_weight.shape[0]
        if self.stem == "conv":
            response = _convolve(tokens, bank)
        elif self.stem == "gemm" and torch.is_grad_enabled():
            response = _LookUp.apply(self._both_strands(), tokens)
        else:
            response = _look_up(tokens, bank, width)
        n_channels = self.stem_weight.shape[1]
        if response.shape[-1] > n_channels:
            response = torch.maximum(response[..., :n_channels], response[..., n_channels:])
        squared = F.relu(response - self.stem_threshold).square()
        return squared / (1 + squared * (1 / SATURATION))

    def relevance(self, features: torch.Tensor) -> torch.Tensor:
        """Return the relevance (B, L) of features (B, L, D)."""
        hidden = F.relu(F.linear(features, self.selector_input_weight, self.selector_input_bias))
        return F.linear(hidden, self.selector_output_weight, self.selector_output_bias)[..., 0]

    def keep(self, features, relevance):
        """Return features (B, K, D), relevance (B, K) and positions (B, K) of what is kept; ties as topk has them."""
        if self.kept is None or self.kept >= features.shape[1]:
            return features, relevance, torch.arange(features.shape[1])[None]
        kept = torch.topk(relevance.detach(), self.kept, dim=1, sorted=False).indices
        chosen = torch.gather(features, 1, kept[..., None].expand(-1, -1, features.shape[-1]))
        return chosen, torch.gather(relevance, 1, kept), kept

    def attend(self, features, positions, gates):
        """Return queries (B, K, D) and attended keys and values (B, K, 2 D)."""
        queries, placed_queries, placed_keys, joined = self._project(features, positions)
        bias = gates.clamp(min=SMALLEST_GATE).log()
        if not self.fused:
            scores = torch.baddbmm(bias[:, None], placed_queries, placed_keys.transpose(1, 2))
            return queries, torch.bmm(scores.softmax(-1), joined)
        # The weight of a key is one more channel: a mask that needs a gradient would lose the fused kernel,
        # and so would values narrower than queries.
        one = torch.ones_like(placed_queries[..., :1])
        placed_queries = torch.cat([placed_queries, one], -1)[:, None]
        placed_keys = torch.cat([placed_keys, bias[..., None]], -1)[:, None]
        values = F.pad(joined, (0, placed_keys.shape[-1] - joined.shape[-1]))[:, None]
        attended = F.scaled_dot_product_attention(placed_queries, placed_keys, values, scale=1.0)
        return queries, attended[:, 0, :, : joined.shape[-1]]

    def _project(self, features, positions):
        names = ("query", "key", "value")
        weight = torch.cat([getattr(self, f"attention_{name}_projection_weight") for name in names])
        shift = torch.cat([getattr(self, f"attention_{name}_projection_bias") for name in names])
        queries, keys, values = F.linear(features, weight, shift).chunk(3, dim=-1)
        width = queries.shape[-1]
        angles = positions[..., None] * self.frequencies
        cosine, sine = (f(angles).expand(*keys.shape[:2], -1) for f in (torch.cos, torch.sin))
        scaled, step = queries * width**-0.5, N_WAVES // (width // 2)
        rotation = cosine[..., ::step], sine[..., ::step]
        weights = self.attention_distance_weights
        placed_queries = torch.cat([*_rotated(scaled, *rotation), cosine * weights, sine * weights], -1)
        placed_keys = torch.cat([*_rotated(keys, *rotation), cosine, sine], -1)
        return queries, placed_queries, placed_keys, torch.cat([keys, values], -1)

    def _both_strands(self):
        """Fold embeddings and normalisation into one bank (W, 6, 2 D), forward strand first."""
        unknown = self.embeddings_bases.mean(0, keepdim=True) + self.embeddings_n_offset
        table = torch.cat([self.embeddings_bases, unknown])
        raw = torch.einsum("wde,te->wtd", self.stem_weight, table)
        p = self.stem_composition[None, :, None]
        mean = (raw[:, :4] * p).sum(1, keepdim=True)
        variance = ((raw[:, :4] - mean).square() * p).sum((0, 1))
        bank = F.pad((raw - mean) * (self.stem_gain * torch.rsqrt(variance + 1e-6)), (0, 0, 0, 1))
        return torch.cat([bank, bank.flip(0)[:, _COMPLEMENT]], -1)

    def _bank_of_form(self):
        bank = self._both_strands()
        return bank.permute(2, 1, 0).contiguous() if self.stem == "conv" else _tables(bank)


def loss(model: TorchOrganism, tokens, labels, local_weight=1.0) -> torch.Tensor:
    """Return the squared error of prediction and, weighted, of the selector's own prediction."""
    prediction, local = model(tokens)
    return F.mse_loss(prediction[:, 0], labels) + local_weight * F.mse_loss(local[:, 0], labels)


def build_optimizer(model: TorchOrganism, rate=3e-3, embedding_rate=5.0, weight_decay=1e-4):
    """Build AdamW with the two groups of the program, embeddings faster; the fused kernel."""
    named = [(name, value) for name, value in model.named_parameters()]
    groups = [
        {"params": [value for name, value in named if name.startswith("embeddings")], "lr": rate * embedding_rate},
        {"params": [value for name, value in named if not name.startswith("embeddings")], "lr": rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=weight_decay, fused=True)


def train_step(model, optimizer, tokens, labels, clip_norm=1.0) -> float:
    """Do one step: loss, gradient, clipping, update; returns the loss."""
    optimizer.zero_grad(set_to_none=True)
    value = loss(model, tokens, labels)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return value.item()


def _rotated(vectors, cosine, sine):
    first, second = vectors.chunk(2, dim=-1)
    return first * cosine - second * sine, first * sine + second * cosine


def _padded(tokens, width):
    left = (width - 1) // 2
    return F.pad(tokens, (left, width - 1 - left), value=PAD)


def _convolve(tokens, bank):
    padded = _padded(tokens, bank.shape[-1])
    one_hot = (padded[:, None] == torch.arange(N_TOKENS, dtype=torch.uint8)[:, None]).to(bank.dtype)
    return F.conv1d(one_hot, bank).transpose(1, 2)


def _tables(bank):
    """Sum a bank (W, 6, F) over every 4-mer: (words x 6^4, F)."""
    width, _, n_filters = bank.shape
    n_words = -(-width // WORD)
    parts = F.pad(bank, (0, 0, 0, 0, 0, n_words * WORD - width)).reshape(n_words, WORD, N_TOKENS, n_filters)
    table = parts[:, 0]
    for offset in range(1, WORD):
        table = (table[:, :, None] + parts[:, offset][:, None]).reshape(n_words, -1, n_filters)
    return table.reshape(-1, n_filters)


def _codes(tokens, width):
    """Number the rows of the tables that each position sums: (B, L, words) int32."""
    n_words, length = -(-width // WORD), tokens.shape[1]
    padded = F.pad(_padded(tokens, width).int(), (0, n_words * WORD - width), value=PAD)
    code = padded[:, : padded.shape[1] - WORD + 1]
    for offset in range(1, WORD):
        code = code * N_TOKENS + padded[:, offset : offset + code.shape[1]]
    words = [code[:, word * WORD : word * WORD + length] + word * N_TOKENS**WORD for word in range(n_words)]
    return torch.stack(words, -1)


def _look_up(tokens, table, width):
    codes = _codes(tokens, width)
    found = F.embedding_bag(codes.view(-1, codes.shape[-1]), table, mode="sum")
    return found.view(*tokens.shape, -1)


class _LookUp(torch.autograd.Function):
    """Look-ups whose gradient is one matrix product of unfolded one-hot rows with the incoming one."""

    @staticmethod
    def forward(ctx, bank, tokens):
        ctx.save_for_backward(tokens)
        ctx.shape = bank.shape
        return _look_up(tokens, _tables(bank), bank.shape[0])

    @staticmethod
    def backward(ctx, gradient):
        (tokens,) = ctx.saved_tensors
        width, n_rows, n_filters = ctx.shape
        padded = _padded(tokens, width)
        rows = (padded[..., None] == torch.arange(PAD, dtype=torch.uint8)).to(gradient.dtype)
        stride = padded.shape[1] * PAD
        windows = rows.as_strided((*tokens.shape, width * PAD), (stride, PAD, 1)).reshape(-1, width * PAD)
        product = windows.t() @ gradient.reshape(-1, n_filters)
        return F.pad(product.view(width, PAD, n_filters), (0, 0, 0, n_rows - PAD)), None
