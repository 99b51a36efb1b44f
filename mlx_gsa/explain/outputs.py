"""The folder that an explanation leaves: tables and tracks of all records, and a folder for each."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from mlx_gsa.explain.motif_matches import MotifMatch
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.spans import Span
from mlx_gsa.explain.tracks import (
    bed_lines,
    bedgraph_lines,
    position_lines,
    write_arrays,
    write_lines,
)

FORMAT = "mlx_gsa.explanation"
FORMAT_VERSION = 1
COMBINED = {
    "summary": "summary.tsv",
    "top_spans": "top_spans.tsv",
    "spans": "spans.bed",
    "relevance": "relevance.bedgraph",
}
FOLDER = "records"
# Ids may hold bytes that are no UTF-8; the reader kept them as surrogates.
TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}
MOTIFS = "motifs.tsv"
KNOWN_NAMES = (*COMBINED.values(), MOTIFS, FOLDER)
SPAN_COLUMNS = (
    "id", "rank", "chrom", "start", "end", "strand", "bases", "n_kept", "max_relevance", "sum_relevance",
    "contribution", "motif_id", "motif", "motif_start", "motif_end", "motif_strand", "motif_p", "motif_q",
)  # fmt: skip


class CombinedFiles:
    """The tables and tracks of all records, written line by line as records come.

    Parameters
    ----------
    folder : Path
        An existing folder; it should be one that only gets its name when all is written.
    """

    def __init__(self, folder: Path):
        self._stack = ExitStack()
        self._files = {
            key: self._stack.enter_context((Path(folder) / name).open("w", **TEXT)) for key, name in COMBINED.items()
        }
        self._has_header = False
        self._files["top_spans"].write("\t".join(SPAN_COLUMNS) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *details):
        return self._stack.__exit__(*details)

    def add_summary(self, row: dict) -> None:
        """Add a row to ``summary.tsv``; the first one decides the columns."""
        if not self._has_header:
            self._files["summary"].write("\t".join(row) + "\n")
            self._has_header = True
        self._files["summary"].write("\t".join(_text(value) for value in row.values()) + "\n")

    def add_tracks(self, record, relevance, spans: Sequence[Span]) -> None:
        """Add one record's kept spans and relevance."""
        self._files["spans"].writelines(bed_lines(spans, record.place, prefix=f"{record.id}."))
        self._files["relevance"].writelines(bedgraph_lines(relevance, record.place))

    def add_spans(self, record, letters, spans: Sequence[Span], matches: dict[int, list[MotifMatch]]) -> None:
        """Add one record's best spans with the motif each looks most like."""
        for span in spans:
            place = record.place
            row = [record.id, span.rank, place.chrom, *place.interval(span.start, span.end), place.strand]
            row += [letters[span.start : span.end], span.n_kept, span.max_relevance, span.sum_relevance]
            row += [span.contribution, *_match_cells(matches.get(span.rank), place)]
            self._files["top_spans"].write("\t".join(_text(value) for value in row) + "\n")


def _match_cells(matches: Sequence[MotifMatch] | None, place: Place) -> list:
    if not matches:
        return ["."] * 7
    best = matches[0]
    strand = place.strand_of(best.strand)
    return [
        best.motif_id,
        best.name,
        *place.interval(best.start, best.end),
        strand,
        best.p_value,
        best.q_value,
    ]


def _text(value) -> str:
    if value is None:
        return "."
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("\t", " ")


def write_record_files(folder: Path, record, prediction, spans: Sequence[Span], contribution) -> dict[str, Path]:
    """Write the tracks, the table and the arrays of one record.

    Parameters
    ----------
    folder : Path
        Made here.
    record : Record
        What was explained.
    prediction : Prediction
        What the model said.
    spans : sequence of Span
        All kept spans.
    contribution : ndarray
        Shape (K,).

    Returns
    -------
    dict of str to Path
        ``bed``, ``bedgraph``, ``tsv`` and ``npz``.
    """
    folder.mkdir(parents=True)
    p = prediction
    positions = position_lines(record.tokens, p.relevance, p.kept, p.gates, contribution, record.place)
    return {
        "bed": write_lines(folder / "spans.bed", bed_lines(spans, record.place)),
        "bedgraph": write_lines(folder / "relevance.bedgraph", bedgraph_lines(p.relevance, record.place)),
        "tsv": write_lines(folder / "positions.tsv", positions),
        "npz": write_arrays(folder / "arrays.npz", p, record.tokens, record.place),
    }


def write_manifest(folder: Path, facts: dict) -> None:
    """Write ``manifest.json``, by which the folder is known as an output that may be replaced."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **facts}
    text = json.dumps(content, indent=2, default=str) + "\n"
    (Path(folder) / "manifest.json").write_text(text, encoding="utf-8")
