"""Novel motifs written down: novel.meme for TOMTOM and other scanners, novel.json with everything measured."""

import json
from collections.abc import Sequence
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.dna.motifs import Motif
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.motifs.alignment import align
from mlx_gsa.motifs.enrichment import ALPHA
from mlx_gsa.motifs.meme import meme_text
from mlx_gsa.motifs.novel import NovelMotif, NovelStudy
from mlx_gsa.runtime import machine, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.novel", 1
JSON, MEME = "novel.json", "novel.meme"


def novel_manifest(manifest: dict, command, settings, left_out=()) -> dict:
    """Say what novel motifs were looked for in, beside which database, and the command that repeats it.

    Parameters
    ----------
    manifest : dict
        That of `MotifOutcome`; run, data and database are taken from it.
    command : str
    settings : dict
        Options of `find_novel`.
    left_out : sequence of Motif
        Taken out of the database.

    Returns
    -------
    dict
    """
    taken = ("run", "shipped_model", "dataset", "data_hash", "fold", "same_data", "motifs", "motifs_because")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": command,
        **{name: manifest[name] for name in taken if name in manifest},
        "left_out": [{"id": motif.id, "name": motif.name} for motif in left_out],
        "settings": settings,
        "seed": settings.get("seed", 0),
        "versions": versions(),
        "machine": machine(),
    }


def study_dict(study: NovelStudy, manifest: dict, found_again=None) -> dict:
    """Give a study as what JSON can hold; confirmed new motifs first, then the others.

    Parameters
    ----------
    study : NovelStudy
    manifest : dict
    found_again : dict of str to (Motif, Agreement) or None, optional
        For each name left out of the database what agrees best with it, as `alignment.best_agreement` returns it.
    """
    ordered = sorted(study.motifs, key=lambda each: not each.is_novel)
    return jsonable(
        {
            "manifest": manifest,
            "alpha": ALPHA,
            "peaks": study.peaks,
            "discovery_records": study.discovery_records,
            "test_records": study.test_records,
            "background": list(study.composition),
            "n_novel": len(study.novel),
            "found_again": {name: best and _again(*best) for name, best in (found_again or {}).items()},
            "motifs": [_motif_dict(each) for each in ordered],
        }
    )


def save_novel(study: NovelStudy, folder, manifest: dict, found_again=None) -> list[Path]:
    """Write novel.json with every motif discovered, and novel.meme with those that are new and confirmed.

    Parameters
    ----------
    study : NovelStudy
    folder : Path
        Made if missing.
    manifest : dict
    found_again : dict, optional
        See `study_dict`.

    Returns
    -------
    list of Path
        Without new motifs the MEME file holds its header alone.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / JSON, folder / MEME]
    atomic_write_text(paths[0], json.dumps(study_dict(study, manifest, found_again), indent=1, allow_nan=False) + "\n")
    atomic_write_text(paths[1], meme_text([each.motif for each in study.novel], study.composition))
    return paths


def _again(motif, agreement) -> dict:
    """Say how well a motif agrees with one that was left out."""
    return {"id": motif.id, "consensus": motif.name, **agreement._asdict(), "alignment": agreement.alignment._asdict()}


def _motif_dict(each: NovelMotif) -> dict:
    """Give one motif as a dictionary."""
    row = each.enrichment
    controls = None if row is None else {name: one._asdict() for name, one in row.against.items()}
    found = None if row is None else {"cut": row.cut, "found": row.found, "records": row.records,
                                      "observed": row.observed, "positions": row.positions, **controls}  # fmt: skip
    return {
        "id": each.motif.id,
        "consensus": each.motif.name,
        "novel": each.is_novel,
        "known": each.is_known,
        "confirmed": each.confirmed,
        "width": each.motif.width,
        "information": each.motif.information_content,
        "z": each.z,
        "sites": each.sites,
        "discovery_records": each.records,
        "unmatched": each.unmatched,
        "closest": each.closest and each.closest._asdict(),
        "test": found,
        "label": each.label and each.label._asdict(),
        "q": each.q,
        "counts": each.motif.counts.round(2),
        "matrix": each.motif.ppm().round(4),
    }


def novel_rows(study: NovelStudy, motifs: Sequence[Motif]) -> list[dict]:
    """Return the rows that `explain.figures.novel_motifs.novel_motifs_figure` draws, new and confirmed ones first.

    Parameters
    ----------
    study : NovelStudy
    motifs : sequence of Motif
        The database, for the logos of the closest matrices.
    """
    by_id = {motif.id: motif for motif in motifs}
    ordered = sorted(study.motifs, key=lambda each: not each.is_novel)
    return [_figure_row(each, by_id) for each in ordered]


def _figure_row(each, by_id):
    """Lay out one motif; the closest matrix is drawn as it aligns."""
    closest = by_id.get(each.closest.id) if each.closest else None
    if closest is not None and align(each.motif, closest).reverse:
        closest = closest.reverse_complement()
    row, label = each.enrichment, each.label
    test = ("too few sites", "")
    if row is not None:
        q = max(one.q for one in row.against.values())
        test = (f"{row.found / row.records:.0%} of {row.records:,} records", f"{row.least:.1f} x at least, q {q:.1g}")
    state = "new" if each.is_novel else "known" if each.is_known else "unconfirmed"
    return {
        "label": f"{each.motif.id.replace('_', ' ')}: {state}",
        "note": f"{each.sites:,} sites, {each.records:,} records",
        "ppm": each.motif.ppm(),
        "novel": each.is_novel,
        "closest": (each.closest.name, f"{each.closest.similarity:.2f}") if closest else ("", ""),
        "closest_ppm": None if closest is None else closest.ppm(),
        "test": test,
        "effect": ("", "") if label is None else (f"{label.effect:+.2f} sd", f"q {label.q:.1g}"),
    }
