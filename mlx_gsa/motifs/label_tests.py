"""Whether enriched known motifs go with the label on held-out records: the condition that novel motifs have too.

A model trained on shuffled labels has a taste as well, and its taste is enriched at what it keeps. So a motif that is
enriched is also asked whether records with a site of it at the positions looked at have other labels than records
without, beyond GC content and length (see `labels`).
"""

import numpy as np

from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.motifs.enrichment import Study
from mlx_gsa.motifs.hits import Pool, find_hits, look
from mlx_gsa.motifs.labels import Association, associate, covariates, label_columns
from mlx_gsa.motifs.sites import count_in_sites, cover_of, mark

MOST_RECORDS = 2000
HELD_OUT = ("test", "val")


def label_rows(dataset, split: str = "test", limit: int | None = MOST_RECORDS) -> np.ndarray:
    """Choose records whose label was not trained on: those of the split, of all classes, else those of the test split.

    Parameters
    ----------
    dataset : Dataset
    split : str
        ``train`` and ``all`` give the test split.
    limit : int, optional
        At most so many, evenly along the order of the data set.

    Returns
    -------
    np.ndarray of int, shape (n,)
    """
    rows = dataset.indices(split if split in HELD_OUT else "test")
    return rows if limit is None or limit >= len(rows) else rows[np.arange(limit) * len(rows) // limit]


def label_tests(
    predictor, dataset, rows, chosen, motifs, background, *, top: float | None = 0.01, p_value: float = 1e-4,
    permutations: int = 1000, seed: int = 0, batch_size: int = 32, output: int = 0,
) -> dict[tuple[str, str], Association]:  # fmt: skip
    """Test whether motifs go with the label.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    rows : np.ndarray of int, shape (n,)
        Records to test on, from `label_rows`.
    chosen : sequence of MotifRow
        Motifs and cuts to test, those that are enriched; q is Benjamini-Hochberg over them.
    motifs : sequence of Motif
        All that were scanned for.
    background : sequence of 4 floats
        What p-values of sites are computed under, that of the study.
    top, p_value, permutations, seed, batch_size
        As for `study_motifs`.
    output : int
        Of several labels, the one to take.

    Returns
    -------
    dict of (motif id, cut) to Association
        Empty where nothing is to be tested, or no record has a label.
    """
    labels = label_columns(dataset, rows, output) if len(rows) else np.zeros((0, 1))
    if not len(chosen) or not np.isfinite(labels).all(axis=1).any():
        return {}
    wanted = {row.motif_id for row in chosen}
    mine = [motif for motif in motifs if motif.id in wanted]
    number = {motif.id: i for i, motif in enumerate(mine)}
    pool = Pool.of(dataset.sequence(int(i)) for i in rows)
    seen = look(predictor, pool, top, seed, batch_size)
    cover = cover_of(find_hits(pool, MotifScanner(mine, p_value, background)), pool, len(mine))
    found = {cut: count_in_sites(cover, mark(focus, len(pool.tokens))) > 0 for cut, focus in seen.focus.items()}
    columns = np.stack([found[row.cut][:, number[row.motif_id]] for row in chosen], axis=1)
    groups = np.asarray(dataset.records.group)[rows]
    made = associate(columns, labels, covariates(pool.sequences()), groups, permutations, seed)
    return {(row.motif_id, row.cut): one for row, one in zip(chosen, made, strict=True)}


def with_label_tests(study: Study, predictor, dataset, rows, testing: dict) -> Study:
    """Test the motifs and cuts of a study that are enriched, and write the result into their rows.

    Parameters
    ----------
    study : Study
    predictor : Predictor
    dataset : Dataset
    rows : np.ndarray of int, shape (n,)
        As for `label_tests`.
    testing : dict
        Options of `study_motifs` that the study was made with; those of `label_tests` are taken.

    Returns
    -------
    Study
        The same, but for ``label`` of rows that are enriched.
    """
    options = {name: testing[name] for name in ("top", "p_value", "permutations", "seed", "batch_size")
               if name in testing}  # fmt: skip
    chosen = [row for row in study.rows if row.enriched]
    made = label_tests(predictor, dataset, rows, chosen, study.motifs, study.background, **options)
    return study._replace(rows=[row._replace(label=made.get((row.motif_id, row.cut))) for row in study.rows])
