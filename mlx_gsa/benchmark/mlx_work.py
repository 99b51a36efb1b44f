"""What a process with MLX measures: the program itself, on the training path and on the fast path, and its rivals."""

import numpy as np

from mlx_gsa.benchmark.measure import timed
from mlx_gsa.config import ModelConfig, TrainingConfig
from mlx_gsa.evaluation.cost import count_flops, forward_call, kept_count, measure_call, measure_forward, random_batch
from mlx_gsa.runtime import prepare_mlx

mx = prepare_mlx()

# after the BLAS is loaded
from mlx.utils import tree_flatten  # noqa: E402

from mlx_gsa.benchmark.probes import bandwidth  # noqa: E402
from mlx_gsa.inference.engine import Engine  # noqa: E402
from mlx_gsa.model.build import build_model  # noqa: E402
from mlx_gsa.model.organism import compiled, forward_budget  # noqa: E402
from mlx_gsa.runtime import runtime_report  # noqa: E402
from mlx_gsa.training.optimizer import build_optimizer  # noqa: E402
from mlx_gsa.training.step import build_step  # noqa: E402

SEED, TILE = 0, 2000
STEPS = 1000  # of the schedule of the learning rate


def handle(request: dict) -> dict:
    """Answer a request: ``what`` names a function of `WORK`, the rest is for it.

    Parameters
    ----------
    request : dict
        ``settings`` of the model, ``length`` (bp), ``batch`` (sequences), ``seconds`` to measure for, and more by
        section.
    """
    return WORK[request["what"]](request)


def fresh_model(config):
    """Build a model with the weights that every rival gets."""
    mx.random.seed(SEED)
    model = build_model(config)
    mx.eval(model.parameters())
    return model


def training_call(config, length: int, batch: int, seed: int = SEED, shards: int | None = None, ranks=None):
    """Build a training step on random sequences and labels; it computes its result before it returns.

    Parameters
    ----------
    config : ModelConfig
    length, batch : int
        bp and sequences.
    seed : int
        Of the step's random numbers.
    shards : int, optional
        Parts of the batch that are computed side by side, each on a core; the default of the program without it.
    ranks : Ranks, optional
        Processes that share each step.
    """
    chosen = {} if shards is None else {"shards": shards}
    model, settings = fresh_model(config), TrainingConfig(batch_size=batch, **chosen)
    optimizer = build_optimizer(settings, model.trainable_parameters(), STEPS)
    optimizer.init(model.trainable_parameters())
    counts, widest = forward_budget(config, np.full(batch, length), length)
    inputs = (mx.array(random_batch(length, batch)), mx.full((batch,), length, dtype=mx.int32), counts,
              mx.array(random_labels(batch)), mx.ones((batch,)))  # fmt: skip
    step, key = build_step(model, optimizer, "regression", settings, widest, ranks), mx.random.key(seed)
    mx.eval(inputs, model.state, optimizer.state)

    def call():
        losses = step(*inputs, key)
        mx.eval(losses, model.state, optimizer.state)

    return call


def random_labels(batch: int) -> np.ndarray:
    """Draw the labels that every rival is trained on, float32 (batch,)."""
    return np.random.default_rng(1).normal(size=batch).astype(np.float32)


def _forward(request):
    config, length, batch = _asked(request)
    call = _engine_call(config, length, batch) if request.get("engine") else forward_call(config, length, batch)
    return _measured(call, request) | {"flops": batch * count_flops(config, length, batch_size=batch)["total"]}


def _passes(request):
    """Time so many forward passes: what `benchmark.speed` asks for."""
    config, length, batch = ModelConfig(**request["settings"]), request["length"], request["batch_size"]
    found = measure_forward(config, length, batch, repeats=request["repeats"])
    return {
        "seconds": found.timing.median, "fastest": found.timing.fastest, "repeats": found.timing.repeats,
        "attended": found.attended, "peak_bytes": int(found.peak_bytes),
        "flops": count_flops(config, length, batch_size=batch)["total"],
    }  # fmt: skip


def _engine_call(config, length, batch):
    engine, tokens = Engine(fresh_model(config)), random_batch(length, batch)
    lengths = np.full(batch, length)
    return lambda: engine.predict(tokens, lengths)


def _step(request):
    config, length, batch = _asked(request)
    forward = batch * count_flops(config, length, batch_size=batch)["total"]
    # The backward pass of a product is two products.
    return _measured(training_call(config, length, batch), request) | {"flops": 3 * forward}


def _attention(request):
    """Attention alone: positions that are chosen already, in order, with open gates."""
    config, length, batch = _asked(request)
    attention, kept = fresh_model(config).attention, kept_count(config, length)
    rng = np.random.default_rng(SEED)
    features = mx.array(rng.uniform(0, 4, (batch, kept, config.n_features)).astype(np.float32))
    places = np.sort(rng.permuted(np.tile(np.arange(length, dtype=np.int32), (batch, 1)), axis=1)[:, :kept], axis=1)
    inputs = (features, mx.array(places), mx.ones((batch, kept), dtype=mx.bool_), mx.full((batch, kept), 0.5))
    mx.eval(inputs)
    forward = compiled(lambda *given: attention(*given)[:3])
    flops = count_flops(config, length, batch_size=batch)
    counted = batch * (flops["projections"] + flops["attention"])
    return _measured(lambda: mx.eval(forward(*inputs)), request) | {"flops": counted}


def _stem(request):
    config, length, batch = _asked(request)
    model, tokens = fresh_model(config), mx.array(random_batch(length, batch))
    form = config.stem_kernel
    forward = compiled(lambda given: model.stem(given, model.embeddings.table(), form))
    flops = count_flops(config, length, stem_form=form, batch_size=batch)
    counted = batch * (flops["tables"] + flops["stem"])
    return _measured(lambda: mx.eval(forward(tokens)), request) | {"flops": counted}


def _scan(request):
    """Score the tiles of one long random sequence of `length` bp, as `gsa scan` does without --relevance."""
    config, tile, stride = ModelConfig(**request["settings"]), request.get("tile", TILE), request["stride"]
    tokens = random_batch(request["length"], 1)[0]
    n_tiles = (len(tokens) - tile) // stride + 1
    facts = {"bp": len(tokens), "tiles": n_tiles, "flops": n_tiles * count_flops(config, tile, batch_size=64)["total"]}
    if not request.get("engine"):
        return _measured(_tiled_call(config, tokens, tile, stride), request) | facts
    engine = Engine(fresh_model(config))
    pool = engine.workers()
    if pool is None:
        return _measured(lambda: engine.scan(tokens, tile, stride, relevance=False), request) | facts
    with pool:
        facts |= {"processes": pool.n_workers}
        return _measured(lambda: engine.scan(tokens, tile, stride, pool, relevance=False), request) | facts


def _tiled_call(config, tokens, tile, stride, batch=32):
    """Score tiles as the training path does: every tile a sequence of its own."""
    rows = np.lib.stride_tricks.sliding_window_view(tokens, tile)[::stride]
    model, lengths = fresh_model(config), mx.full((batch,), tile, dtype=mx.int32)
    counts, widest = forward_budget(config, np.full(batch, tile), tile)
    forward = compiled(lambda *given: model.predict(*given, widest))

    def call():
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            n = len(part)
            mx.eval(forward(mx.array(np.ascontiguousarray(part)), lengths[:n], counts[:n]))

    return call


def _steps(request):
    """Train on a shard of one's own from a moment on, for so many seconds: how many steps were done."""
    import time

    config, length, batch = _asked(request)
    call = training_call(config, length, batch, request.get("seed", SEED), request.get("shards"))
    call(), call()
    time.sleep(max(0.0, request["start"] - time.time()))
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < request["seconds"]:
        call()
        done += 1
    return {"steps": done, "seconds": time.perf_counter() - begun, "late": max(0.0, time.time() - request["start"])}


def _report(request):
    found = runtime_report().to_dict()
    found["blas"].pop("path")  # a place on this machine
    return found


def _bandwidth(request):
    return bandwidth(request.get("megabytes", 256))


def _weights(request):
    """Write weights, outputs and gradients of a model for its rivals to be held against."""
    from mlx.nn import value_and_grad

    config, length, batch = _asked(request)
    model = fresh_model(config)
    counts, widest = forward_budget(config, np.full(batch, length), length)
    inputs = mx.array(random_batch(length, batch)), mx.full((batch,), length, dtype=mx.int32), counts
    labels = mx.array(random_labels(batch))

    def loss():
        output = model(*inputs, widest)
        return sum(mx.square(each[:, 0] - labels).mean() for each in (output.prediction, output.local))

    value, gradients = value_and_grad(model, loss)()
    arrays = {f"weight/{name}": array for name, array in tree_flatten(model.parameters())}
    arrays |= {f"gradient/{name}": array for name, array in tree_flatten(gradients)}
    arrays |= {"prediction": model.predict(*inputs, widest), "loss": value}
    np.savez(request["path"], **{name: np.array(array) for name, array in arrays.items()})
    return {"path": request["path"], "kept": kept_count(config, length), "reference_budget": config.reference_budget}


def _agreement(request):
    """Say how far the fast path is from the training path, relative to the size of the outputs."""
    config, length, batch = _asked(request)
    model, tokens, lengths = fresh_model(config), random_batch(length, batch), np.full(batch, length)
    counts, widest = forward_budget(config, lengths, length)
    wanted = np.array(model.predict(mx.array(tokens), mx.array(lengths.astype(np.int32)), counts, widest))
    found = Engine(model).predict(tokens, lengths)
    return {"output": float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))}


def _asked(request):
    return ModelConfig(**request["settings"]), request["length"], request["batch"]


def _measured(call, request):
    """Time a call; the first, untimed one shows MLX's own peak, of which the fast path has none."""
    peaks = []
    mx.clear_cache()  # what earlier work left is not this one's memory
    found = timed(call, request["seconds"], first=lambda: peaks.append(measure_call(call, repeats=1, warmup=0)[1]))
    return found | {"peak_bytes": int(peaks[0])}


WORK = {
    "forward": _forward, "linear": _forward, "passes": _passes, "step": _step, "attention": _attention, "stem": _stem,
    "scan": _scan, "steps": _steps, "report": _report, "bandwidth": _bandwidth, "weights": _weights,
    "agreement": _agreement,
}  # fmt: skip
