"""Figures of the results page: vector pictures of measurements, each with its interval, in the house style."""

from mlx_gsa.explain.figures.results.ablation import build_ablation
from mlx_gsa.explain.figures.results.calibration import build_calibration
from mlx_gsa.explain.figures.results.learning import build_learning
from mlx_gsa.explain.figures.results.pareto import build_pareto
from mlx_gsa.explain.figures.results.planted import build_planted
from mlx_gsa.explain.figures.results.retention import build_retention
from mlx_gsa.explain.figures.results.scaling import build_scaling

__all__ = [
    "build_ablation",
    "build_calibration",
    "build_learning",
    "build_pareto",
    "build_planted",
    "build_retention",
    "build_scaling",
]
