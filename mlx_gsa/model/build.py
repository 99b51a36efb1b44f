"""The one place where a configuration becomes a model."""

import mlx.nn as nn

from mlx_gsa.config import ModelConfig
from mlx_gsa.model.cnn import LargeCNN, SmallCNN
from mlx_gsa.model.organism import SparseOrganism

ARCHITECTURES = {"sparse": SparseOrganism, "cnn": SmallCNN, "cnn-large": LargeCNN}


def build_model(config: ModelConfig) -> nn.Module:
    """Build the model that a configuration describes, with random weights; all have one call interface."""
    return ARCHITECTURES[config.architecture](config)
