"""What a process with PyTorch measures. It never imports MLX, and no OpenBLAS is loaded in it for MLX's sake."""

import numpy as np
import torch

from mlx_gsa.allocator import keep_freed_memory
from mlx_gsa.benchmark import torch_model as rivals
from mlx_gsa.benchmark.grid import LONG
from mlx_gsa.benchmark.measure import fastest_of

keep_freed_memory()  # as the program does for itself: on Linux it makes PyTorch faster too


def handle(request: dict) -> dict:
    """Answer a request: ``what`` is a section, "check" or "report"; weights come from the file ``path``.

    Parameters
    ----------
    request : dict
        As for `mlx_work.handle`; ``kept`` positions (None: every one) and ``reference_budget``.
    """
    return WORK[request["what"]](request)


def load_weights(path) -> dict:
    """Read the weights that `mlx_work` wrote, by parameter name."""
    with np.load(path) as file:
        return {name.removeprefix("weight/"): file[name] for name in file.files if name.startswith("weight/")}


def build(request: dict, stem: str, attention: str) -> rivals.TorchOrganism:
    """Build the model of a request in one of its forms."""
    weights = load_weights(request["path"])
    return rivals.TorchOrganism(weights, request["kept"], request["reference_budget"], stem, attention)


def _tokens(request):
    rng = np.random.default_rng(0)  # as cost.random_batch
    return torch.from_numpy(rng.integers(0, 4, (request["batch"], request["length"])).astype(np.uint8))


def _labels(request):
    return torch.from_numpy(np.random.default_rng(1).normal(size=request["batch"]).astype(np.float32))


def _attentions(request):
    attending = request["kept"] or request["length"]
    return ("fused",) if request["kept"] is None or attending > LONG else rivals.ATTENTIONS


def _forward(request):
    tokens, calls = _tokens(request), {}
    stems = ("lookup",) if request["kept"] is None else ("lookup", "conv")  # of a dense one the stem is nothing
    for stem in stems:
        for attention in _attentions(request):
            model = build(request, stem, attention).fold()
            calls[f"{stem} stem, {attention} attention"] = _inferring(model.predict, tokens)
    return fastest_of(calls, request["seconds"])


def _step(request):
    tokens, labels, calls = _tokens(request), _labels(request), {}
    stems = ("gemm",) if request["kept"] is None else ("gemm", "conv")
    for stem in stems:
        for attention in _attentions(request):
            calls[f"{stem} stem, {attention} attention"] = _training(build(request, stem, attention), tokens, labels)
    return fastest_of(calls, request["seconds"])


def _training(model, tokens, labels):
    optimizer = rivals.build_optimizer(model)
    return lambda: rivals.train_step(model, optimizer, tokens, labels)


def _attention(request):
    rng, kept, length = np.random.default_rng(0), request["kept"] or request["length"], request["length"]
    features = torch.from_numpy(rng.uniform(0, 4, (request["batch"], kept, 16)).astype(np.float32))
    every = np.tile(np.arange(length), (request["batch"], 1))
    places = torch.from_numpy(np.sort(rng.permuted(every, axis=1)[:, :kept], axis=1))
    gates, calls = torch.full((request["batch"], kept), 0.5), {}
    for attention in _attentions(request):
        calls[attention] = _inferring(build(request, "lookup", attention).attend, features, places, gates)
    return fastest_of(calls, request["seconds"])


def _stem(request):
    tokens, calls = _tokens(request), {}
    for stem in ("lookup", "conv"):
        calls[stem] = _inferring(build(request, stem, "fused").fold().features, tokens)
    return fastest_of(calls, request["seconds"])


def _inferring(function, *inputs):
    def call():
        with torch.inference_mode():
            return function(*inputs)

    return call


def _check(request):
    """Say how far outputs and gradients of every form are from MLX's, relative to their size."""
    tokens, labels, errors = _tokens(request), _labels(request), {}
    with np.load(request["path"]) as file:
        wanted, gradients = file["prediction"], {n[9:]: file[n] for n in file.files if n.startswith("gradient/")}
    for stem in rivals.STEMS:
        for attention in rivals.ATTENTIONS:
            model = build(request, stem, attention)
            rivals.loss(model, tokens, labels).backward()
            names = {name: name.replace(".", "_") for name in gradients}
            ours = {name: getattr(model, names[name]).grad for name in gradients}
            found = np.concatenate([ours[name].numpy().ravel() for name in gradients])
            expected = np.concatenate([gradients[name].ravel() for name in gradients])
            output = _inferring(model.fold().predict, tokens)().numpy()
            errors[f"{stem} stem, {attention} attention"] = {
                "output": distance(output, wanted), "gradient": distance(found, expected)
            }  # fmt: skip
    return {"errors": errors}


def distance(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the norm of the difference over the norm of what was wanted."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def _report(request):
    info = torch.__config__.parallel_info()
    return {
        "torch": torch.__version__, "threads": torch.get_num_threads(), "mkl": torch.backends.mkl.is_available(),
        "onednn": torch.backends.mkldnn.is_available(), "openmp": "OpenMP" in info,
        "numpy": np.__version__,
    }  # fmt: skip


WORK = {
    "forward": _forward, "step": _step, "attention": _attention, "stem": _stem, "check": _check, "report": _report,
}  # fmt: skip
