"""Track files for genome browsers and tables for everything else.

Coordinates in every file are 0-based and half-open, on the chromosome of the FASTA header where it gave
one, otherwise within the sequence under the record's id; files are sorted by them. On the minus strand
bases and strands stay those of the sequence that was read, positions are those of the genome.
"""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_write_bytes
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.spans import Span, span_scores

POSITION_COLUMNS = (
    "chrom",
    "position",
    "strand",
    "index",
    "base",
    "relevance",
    "kept",
    "gate",
    "contribution",
)


def bed_lines(spans: Sequence[Span], place: Place, prefix: str = "") -> Iterator[str]:
    """Yield BED6 lines of spans, in the order of the chromosome.

    Parameters
    ----------
    spans : sequence of Span
        As :func:`mlx_gsa.explain.spans.find_spans` returns them.
    place : Place
        Where the sequence lies.
    prefix : str
        Goes before ``span1``, ``span2``, ... in the name column; the number is the rank.

    Yields
    ------
    str
        Tab-separated chrom, start, end, name, score (0-1000 within the record), strand; with newline.
    """
    scored = zip(spans, span_scores(list(spans)), strict=True)
    rows = sorted((*place.interval(span.start, span.end), span.rank, int(score)) for span, score in scored)
    for start, end, rank, score in rows:
        yield f"{place.chrom}\t{start}\t{end}\t{prefix}span{rank}\t{score}\t{place.strand}\n"


def bedgraph_lines(values, place: Place, digits: int = 4) -> Iterator[str]:
    """Yield bedGraph lines of one value per base, neighbours of equal value joined.

    Parameters
    ----------
    values : ndarray
        Shape (L,), in the order of the sequence.
    place : Place
        Where the sequence lies.
    digits : int
        Significant digits written.

    Yields
    ------
    str
        Tab-separated chrom, start, end, value; with newline.
    """
    texts = [f"{value:.{digits}g}" for value in np.asarray(values, dtype=np.float64).tolist()]
    if place.strand == "-":
        texts.reverse()
    first = 0
    for i in range(1, len(texts) + 1):
        if i == len(texts) or texts[i] != texts[first]:
            yield f"{place.chrom}\t{place.start + first}\t{place.start + i}\t{texts[first]}\n"
            first = i


def position_lines(tokens, relevance, kept, gates, contribution, place: Place) -> Iterator[str]:
    """Yield a table of all positions, header first, in the order of the sequence.

    Parameters
    ----------
    tokens : ndarray
        Shape (L,), uint8.
    relevance : ndarray
        Shape (L,).
    kept : ndarray
        Shape (K,), ascending positions.
    gates, contribution : ndarray
        Shape (K,); positions that are not kept get ``.`` in both columns.
    place : Place
        Where the sequence lies.

    Yields
    ------
    str
        Tab-separated :data:`POSITION_COLUMNS`; ``position`` is on the chromosome and ``index`` in the
        sequence, both 0-based; ``base`` is the base the model read, ``kept`` 1 or 0; with newline.
    """
    yield "\t".join(POSITION_COLUMNS) + "\n"
    of_kept = {int(i): f"1\t{g:.4g}\t{c:.4g}" for i, g, c in zip(kept, gates, contribution, strict=True)}
    positions = place.positions(np.arange(len(tokens))).tolist()
    for index, (position, base, value) in enumerate(zip(positions, decode(tokens), relevance, strict=True)):
        tail = of_kept.get(index, "0\t.\t.")
        yield f"{place.chrom}\t{position}\t{place.strand}\t{index}\t{base}\t{value:.5g}\t{tail}\n"


def write_arrays(path: Path, prediction, tokens: np.ndarray, place: Place) -> Path:
    """Write everything the model said about one sequence as a compressed NPZ file.

    Parameters
    ----------
    path : Path
        The file; written beside and renamed.
    prediction : Prediction
        From :class:`mlx_gsa.inference.predictor.Predictor`; ``weights`` may be None and is then left out.
    tokens : ndarray
        Shape (L,), uint8.
    place : Place
        Where the sequence lies.

    Returns
    -------
    Path
        ``path``. Keys: prediction, raw, relevance, kept, gates, contribution, tokens, positions (0-based,
        of every base of the sequence), chrom, strand, and weights (K, K: row = query, column = key).
    """
    arrays = {name: value for name, value in prediction._asdict().items() if value is not None}
    positions = place.positions(np.arange(len(tokens)))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, tokens=tokens, positions=positions, chrom=place.chrom, strand=place.strand, **arrays)
    atomic_write_bytes(Path(path), buffer.getvalue())
    return Path(path)


def write_lines(path: Path, lines: Iterator[str]) -> Path:
    """Write the lines of a track, all or nothing."""
    # Ids may hold bytes that are no UTF-8; the reader kept them as surrogates.
    atomic_write_bytes(Path(path), "".join(lines).encode("utf-8", "surrogateescape"))
    return Path(path)


class UniqueNames:
    """Turn record ids into folder names that are safe on every file system and never the same twice.

    Letters, digits, ``.``, ``_``, ``+`` and ``-`` stay, everything else becomes ``_``; names that differ
    only in case count as the same, as they do on a Mac's disk.
    """

    def __init__(self, longest: int = 80):
        self.longest = longest
        self._used: dict[str, int] = {}

    def __call__(self, record_id: str) -> str:
        """Return the next free name for an id."""
        base = re.sub(r"[^A-Za-z0-9._+-]+", "_", record_id).strip("._-")[: self.longest] or "record"
        name = base
        while name.lower() in self._used:
            self._used[base.lower()] += 1
            name = f"{base}_{self._used[base.lower()]}"
        self._used.setdefault(name.lower(), 1)
        return name
