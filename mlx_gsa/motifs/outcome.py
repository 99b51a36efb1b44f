"""What was found of known motifs, and how it is written: motifs.json, motifs.tsv."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_gsa.data.atomic import atomic_write_bytes, atomic_write_text
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.motifs.enrichment import ALPHA, CONTROLS, MotifRow, Study
from mlx_gsa.motifs.families import ALIKE
from mlx_gsa.motifs.known import KnownSites
from mlx_gsa.runtime import machine, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.motifs", 1
JSON, TSV = "motifs.json", "motifs.tsv"
IN_JSON = 50  # families with their matrix in the JSON; the table has all
COLUMNS = (
    "family",
    "motif_id",
    "motif",
    "width",
    "cut",
    "records",
    "with_site",
    "found",
    "rate",
    "positions",
    "observed",
)
OF_LABEL = ("label_effect", "label_records", "label_p", "label_q")
OF_CONTROL = ("expected", "enrichment", "low", "high", "p_counted", "p", "q")


@dataclass(frozen=True)
class MotifOutcome:
    """Everything that was measured of one run.

    Attributes
    ----------
    manifest : dict
    study : Study
        Rows of all matrices, and the records, sites and relevance they come from.
    families : list of Family
        Rows of alike matrices together, the best first.
    known : KnownSites or None
        None where the data set knows no sites.
    predictor : Predictor
    dataset : Dataset
    """

    manifest: dict
    study: Study
    families: list
    known: KnownSites | None
    predictor: Any
    dataset: Any

    @property
    def enriched(self) -> list[MotifRow]:
        """The best row of each family that is enriched."""
        return [family.best for family in self.families if family.best.enriched]

    def matrix(self, motif_id: str):
        """Return the `Motif` of an id that was scanned for."""
        return next(motif for motif in self.study.motifs if motif.id == motif_id)

    def to_dict(self) -> dict:
        """Give everything but the rows of single matrices as what JSON can hold; nan becomes None."""
        cuts = {}
        for cut, matching in self.study.matching.items():
            rows = [row for row in self.study.rows if row.cut == cut]
            below = {name: sum(row.against[name].q < ALPHA for row in rows) for name in CONTROLS}
            matrices = sum(row.enriched for row in rows)
            families = sum(any(row.enriched and row.cut == cut for row in family.rows) for family in self.families)
            cuts[cut] = {
                **matching._asdict(),
                "enriched": matrices,
                "enriched_families": families,
                "associated": sum(row.associated for row in rows),
                "below_alpha": below,
            }
        return jsonable(
            {
                "manifest": self.manifest,
                "alpha": ALPHA,
                "cuts": cuts,
                "families": [self._family(family) for family in self.families[:IN_JSON]],
                "known_sites": None if self.known is None else [row._asdict() for row in self.known.rows],
                "selection": None if self.known is None else self.known.report.to_dict(),
            }
        )

    def _family(self, family) -> dict:
        at = {row.cut: row for row in reversed(family.rows)}
        return {
            "name": family.best.name,
            "motif_id": family.best.motif_id,
            "enriched": family.best.enriched,
            "associated": family.associated,
            "others": family.names,
            "same_positions_as": family.echo or None,
            "in_simple_repeats": family.repeats,
            "best": _row(family.best),
            "cuts": {cut: _row(row) for cut, row in at.items()},
            "matrix": self.matrix(family.best.motif_id).ppm().round(4),
        }

    def table(self) -> str:
        """Lay out every matrix at every cut as tab-separated text, the best first."""
        controls = (f"{name}_{part}" for name in CONTROLS for part in OF_CONTROL)
        lines = [[*COLUMNS, *controls, "q", "enriched", *OF_LABEL, "associated"]]
        family = {row.motif_id: one.best.motif_id for one in self.families for row in one.rows}
        for row in self.study.rows:
            cells = [row.motif_id, row.name, row.width, row.cut, row.records, row.with_site, row.found, row.rate]
            for name in CONTROLS:
                one = row.against[name]
                controls = [one.expected, *one.enrichment, one.p_counted, one.p, one.q]
                cells = [*cells, *controls] if name != CONTROLS[0] else [*cells, row.positions, row.observed, *controls]
            cells += [row.q, "yes" if row.enriched else "no", *_label_cells(row.label)]
            lines.append([family[row.motif_id], *cells, "yes" if row.associated else "no"])
        return "".join("\t".join(_text(cell) for cell in line) + "\n" for line in lines)

    def save(self, folder) -> list[Path]:
        """Write motifs.json and motifs.tsv, each whole or not at all.

        Parameters
        ----------
        folder : Path
            Made if missing.

        Returns
        -------
        list of Path
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / JSON, folder / TSV]
        atomic_write_text(paths[0], json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")
        atomic_write_bytes(paths[1], self.table().encode("utf-8", "surrogateescape"))
        return paths


def motif_manifest(run, dataset, split, chosen, matrices, study, command, settings, label_records=0) -> dict:
    """Say what was tested, on what, with which settings, and the command that repeats it; a dict for JSON."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": command,
        "run": str(run.path),
        "shipped_model": bool(run.shipped),
        "dataset": str(dataset.path),
        "data_hash": dataset.data_hash,
        "fold": dataset.fold,
        "same_data": None if run.data_hash is None else run.data_hash == dataset.data_hash,
        "split": split,
        "records": chosen.words,
        "n_records": len(chosen.rows),
        "n_groups": len(set(study.groups.tolist())),
        "motifs": matrices.name,
        "motifs_because": matrices.why,
        "n_motifs": len(study.motifs),
        "n_tested": study.tested,
        "correction": "Benjamini-Hochberg over all tested matrices at all cuts, for each control",
        "label_records": label_records,
        "label_correction": "Benjamini-Hochberg over the enriched matrices and cuts",
        "background": list(study.background),
        "alike": ALIKE,
        "settings": {name: value for name, value in settings.items() if isinstance(value, int | float | str | None)},
        "versions": versions(),
        "machine": machine(),
    }


def _row(row) -> dict:
    """Give a row as a dictionary, its derived numbers too."""
    found = row._asdict() | {name: one._asdict() for name, one in row.against.items()}
    found |= {"label": None if row.label is None else row.label._asdict()}
    return found | {"rate": row.rate, "q": row.q, "enriched": row.enriched, "associated": row.associated}


def _label_cells(label) -> list:
    """Lay out how a motif goes with the label; nothing where that was not tested."""
    return [""] * len(OF_LABEL) if label is None else [label.effect, label.n, label.p, label.q]


def _text(cell):
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
