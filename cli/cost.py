"""What a training will cost, in one line."""

from mlx_gsa.benchmark.words import duration, gigabytes
from mlx_gsa.cli.console import err_console
from mlx_gsa.evaluation.training_cost import training_cost


def cost_line(trainer) -> str:
    """Write operations per step, epoch and in all, memory of the largest batch, and the time that it will take."""
    with err_console.status("Timing a few steps on a copy of the model"):
        cost = training_cost(trainer)
    parts = [
        f"{_operations(cost.flops_step)} a step, {_operations(cost.flops_epoch)} an epoch of {cost.steps:,} steps, "
        f"{_operations(cost.flops)} in all",
        f"about {gigabytes(cost.memory_bytes)} of memory at most" if cost.memory_bytes else None,
        f"about {duration(cost.seconds)}, unless it stops earlier" if cost.seconds else None,
    ]
    return "; ".join(part for part in parts if part)


def _operations(count):
    for size, unit in ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e6:.1f} MFLOP"
