"""What each organ of a model costs on one batch, forward and backward."""

import time

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

from mlx_gsa.model.attention import Attended
from mlx_gsa.model.organism import silence


def milliseconds(work) -> float:
    """Time one run of a function, with the evaluation of the arrays that it returns."""
    started = time.perf_counter()
    mx.eval(work())
    return (time.perf_counter() - started) * 1e3


def organ_times(model, inputs, widest: int, dropout: float = 0.0) -> dict[str, tuple[float, float]]:
    """Time every organ on the output of the one before it.

    Parameters
    ----------
    model : nn.Module
        Of `build_model`; unchanged afterwards.
    inputs : tuple of mx.array
        Tokens (B, L), lengths (B,) and counts (B,).
    widest : int
        K, at least every count.
    dropout : float
        Share of the filters silenced.

    Returns
    -------
    dict of str to (float, float)
        Milliseconds forward and backward. A model without a selector is one organ, "model".
    """
    tokens, lengths, counts = inputs
    if not model.config.selects:
        return {"model": timed(model, lambda: model(tokens, lengths, counts, widest).prediction)[1]}
    times = {}
    silenced = silence(len(tokens), model.config.n_channels, dropout, mx.random.key(0)) if dropout else None
    features, times["stem"] = timed(model, lambda: model.features(tokens, silenced))
    relevance, times["selector"] = timed(model, model.selector, features)
    (kept, mask), (spent, _) = timed(model, lambda: model._keep(tokens, relevance, lengths, counts, widest, None))
    times["selection"] = (spent, 0.0)
    found, times["gather"] = timed(model, lambda f, r: model._gather(f, r, kept, mask), features, relevance)
    times |= _attention_times(model, *found, kept, mask)
    pool = timed(model, lambda f, r: model.readout(model.pool(f, r, lengths)), features, relevance)
    return times | {"pool": pool[1]}


def _attention_times(model, chosen, gates, kept, mask):
    """Time what happens among the kept positions; attention is what it takes beyond the projections."""
    _, projections = timed(model, lambda c: tuple(model.attention.project(c, kept)), chosen)
    if model.config.attention == "mlp":
        _, whole = timed(model, lambda c, g: model._strength(c, kept, mask, g), chosen, gates)
        approximator = {}
    else:
        attended, whole = timed(model, lambda c, g: tuple(model.attention(c, kept, mask, g)), chosen, gates)
        approximator = {"approximator": timed(model, lambda *a: model.approximator(Attended(*a)), *attended)[1]}
    beyond = tuple(max(0.0, both - one) for both, one in zip(whole, projections, strict=True))
    return {"projections": projections, "attention": beyond} | approximator


def timed(model, function, *arrays):
    """Run a function of a model's parameters and of arrays, then time it and its gradient.

    Returns
    -------
    outputs
        Of the function.
    (float, float)
        Milliseconds forward and backward.
    """
    outputs = function(*arrays)
    mx.eval(outputs)
    forward = milliseconds(lambda: function(*arrays))
    names, values = zip(*tree_flatten(model.trainable_parameters()), strict=True)
    cotangents = [mx.ones_like(x) for x in _floats(outputs)]
    mx.eval(cotangents)

    def run(*primals):
        model.update(tree_unflatten(list(zip(names, primals[: len(names)], strict=True))))
        return _floats(function(*primals[len(names) :]))

    both = milliseconds(lambda: mx.vjp(run, [*values, *arrays], cotangents)[1]) if cotangents else forward
    model.update(tree_unflatten(list(zip(names, values, strict=True))))
    return outputs, (forward, max(0.0, both - forward))


def _floats(outputs):
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [x for x in outputs if x.dtype == mx.float32]
