"""From a run to its motifs: choose records, test known motifs, group them, compare with known sites."""

from collections.abc import Callable
from pathlib import Path

from mlx_gsa.evaluation.fit import check_fit
from mlx_gsa.motifs.choose import choose_records, survey
from mlx_gsa.motifs.enrichment import study_motifs
from mlx_gsa.motifs.families import families_of, find_echoes
from mlx_gsa.motifs.known import compare_known
from mlx_gsa.motifs.label_tests import label_rows, with_label_tests
from mlx_gsa.motifs.outcome import MotifOutcome, motif_manifest
from mlx_gsa.motifs.sources import choose_motifs
from mlx_gsa.motifs.untrained import check_chooses


def motifs_of_run(
    run, dataset, *, split="test", taxon: str | None = None, file: Path | None = None, release: str | None = None,
    class_name: str | None = None, min_score: float | None = None, limit: int | None = 2000, seed: int = 0,
    batch_size: int = 32, command: str = "", predictor=None, progress: Callable | None = None, **testing,
) -> MotifOutcome:  # fmt: skip
    """Test which motifs are enriched at the positions that a run's model looks at.

    Parameters
    ----------
    run : RunInfo
        Read here: ``path``, ``model_folder``, ``data_hash``, ``shipped``.
    dataset : Dataset
        Split as the run was trained (see `split_as_trained`).
    split : str
    taxon, file, release
        See `choose_motifs`.
    class_name, min_score, limit
        See `choose_records`.
    seed, batch_size : int
    command : str
        What repeats it, for the manifest.
    predictor : Predictor, optional
        Instead of loading the run's.
    progress : callable, optional
        Called as ``progress(done, total, note)``.
    testing
        Further options of `study_motifs`: ``top``, ``p_value``, ``permutations``, ``shuffles``, ``untrained``,
        ``resamples``.

    Returns
    -------
    MotifOutcome

    Raises
    ------
    DatasetError
        No record to look at.
    MotifError
        No motifs to look for.
    RunError
        The run has no model, or it does not fit the data or choose positions.
    """
    matrices = choose_motifs(dataset, taxon, file, release)  # before anything that takes long
    predictor = predictor or _load(run)
    check_fit(predictor, dataset)
    check_chooses(predictor)
    surveyed = survey(predictor, dataset, split, seed, batch_size, progress)
    chosen = choose_records(dataset, surveyed, split, class_name, min_score, limit)
    options = {"seed": seed, "batch_size": batch_size, "progress": progress, **testing}
    study = study_motifs(predictor, dataset, chosen.rows, matrices.motifs, **options)
    rows, labelled = label_rows(dataset, split, limit), {"seed": seed, "batch_size": batch_size, **testing}
    study = with_label_tests(study, predictor, dataset, rows, labelled)
    known = None if surveyed.tally is None else compare_known(surveyed.tally, testing.get("resamples", 1000), seed)
    manifest = motif_manifest(run, dataset, split, chosen, matrices, study, command, {"seed": seed, **testing},
                              len(rows))  # fmt: skip
    families = find_echoes(families_of(study.rows, study.motifs), study)
    return MotifOutcome(manifest, study, families, known, predictor, dataset)


def _load(run):
    from mlx_gsa.inference.predictor import Predictor

    return Predictor.from_folder(run.model_folder)
