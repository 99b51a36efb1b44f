"""What makes one doubt that a model and the way of scanning fit each other."""

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import DatasetError

_ANCHORS = {"start": "the start", "end": "the end", "centre": "the centre"}


def doubts(scan) -> list[str]:
    """Say what a reader of the results should know of this scan; empty where nothing stands out.

    Parameters
    ----------
    scan : Scan

    Returns
    -------
    list of str
        Sentences.
    """
    config, tile = scan.predictor.config, scan.settings.tile
    notes = []
    if config.anchor != "none":
        notes.append(
            f"The model counts distance from {_ANCHORS[config.anchor]} of its input, such as a start of transcription; "
            "a tile has none there, so strengths are only those of this place being it."
        )
    if config.strands == "forward" or config.anchor != "none":
        notes.append("The model reads one strand: only the forward strand of the genome is scored.")
    lengths = training_lengths(scan.run)
    if lengths and not lengths[0] <= tile <= lengths[1]:
        shown = f"{lengths[0]:,} bp" if lengths[0] == lengths[1] else f"{lengths[0]:,} to {lengths[1]:,} bp"
        longer = "longer" if tile > lengths[1] else "shorter"
        notes.append(f"Tiles of {tile:,} bp are {longer} than what the model was trained on, {shown}: see --tile.")
    return notes


def training_lengths(run) -> tuple[int, int] | None:
    """Return the shortest and longest sequence that a run was trained on, in bp; None where its data are gone."""
    if run.dataset_path is None:
        return None
    try:
        lengths = Dataset.open(run.dataset_path, verify=False).lengths
    except DatasetError:  # the run outlives its data: then nothing can be said
        return None
    return int(lengths.min()), int(lengths.max())
