"""Every picture of the program; the only rooms that import matplotlib."""

from mlx_gsa.explain.figures.audit import audit_figures
from mlx_gsa.explain.figures.calibration import build_calibration, calibration_figure
from mlx_gsa.explain.figures.dataset import build_dataset, dataset_figure
from mlx_gsa.explain.figures.heatmap import HeatmapInput, attention_heatmap_figure, build_attention_heatmap
from mlx_gsa.explain.figures.motif_logos import build_motif_enrichment, motif_enrichment_figure
from mlx_gsa.explain.figures.predictions import build_prediction, prediction_figure
from mlx_gsa.explain.figures.recall import build_site_recall, site_recall_figure
from mlx_gsa.explain.figures.training import build_training, training_figure

__all__ = [
    "HeatmapInput",
    "attention_heatmap_figure",
    "audit_figures",
    "build_attention_heatmap",
    "build_calibration",
    "build_dataset",
    "build_motif_enrichment",
    "build_prediction",
    "build_site_recall",
    "build_training",
    "calibration_figure",
    "dataset_figure",
    "motif_enrichment_figure",
    "prediction_figure",
    "site_recall_figure",
    "training_figure",
]
