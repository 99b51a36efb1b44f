"""Explain records one after another: the prediction, the positions kept, what they look like."""

import datetime
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlx_gsa.data.atomic import atomic_folder
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.errors import GsaError, SequenceError
from mlx_gsa.explain.compare import compare_sites
from mlx_gsa.explain.figures import attention_heatmap_figure
from mlx_gsa.explain.figures.tracks import TrackSite, as_track_sites
from mlx_gsa.explain.found import Explanation, describe_prediction, subtitle, summary_row
from mlx_gsa.explain.motif_matches import MotifMatch, match_hits, scan_many
from mlx_gsa.explain.motif_summary import MotifTally, write_motif_table
from mlx_gsa.explain.outputs import FORMAT, KNOWN_NAMES, MOTIFS, CombinedFiles, write_manifest, write_record_files
from mlx_gsa.explain.records import Record
from mlx_gsa.explain.spans import find_spans, outstanding, signed_contribution
from mlx_gsa.explain.tracks import UniqueNames

DEFAULT_HEATMAPS = 50
DEFAULT_TOP = 10
BATCH_WITH_MAPS = 8
BATCH_TO_SCAN = 128  # records scanned for motifs in one call
NO_MAP = "too many kept positions for a map of their attention"
SHOWN_Q = 0.1  # pictures name only matches at most this likely by chance; the tables name all, with q


class _Options(NamedTuple):
    out: Path
    scanner: MotifScanner | None
    sites_of: Callable
    top: int
    record_files: bool
    task: str
    classes: list | None
    outputs: list | None
    output: int
    tally: MotifTally | None
    is_other: Callable


def explain_records(
    predictor, records: Iterable[Record], out: Path, *, motifs=None, known_sites=None,
    heatmaps: int | str = DEFAULT_HEATMAPS, top: int = DEFAULT_TOP, progress: Callable | None = None,
    sparsity: float | None = None, batch_size: int = 32, record_files: bool = True,
    source: dict | None = None, tally: MotifTally | None = None, others: Iterable[Record] = (),
    is_other: Callable | None = None, output: str | None = None,
) -> Iterator[Explanation]:  # fmt: skip
    """Explain records and write what was found; memory does not grow with their number.

    The folder ``out`` gets its name when the last record is done: an error or an interruption before that
    leaves the disk as it was. It then holds ``summary.tsv``, ``top_spans.tsv``, ``spans.bed`` and
    ``relevance.bedgraph`` of all records in input order, ``manifest.json``, and ``records/NAME/`` with
    ``attention.png``, ``attention.svg``, ``spans.bed``, ``relevance.bedgraph``, ``positions.tsv`` and
    ``arrays.npz`` of each (about 0.3 MB per 2,000 bp; more with the attention map).

    Parameters
    ----------
    predictor : Predictor
        With ``predict(sequences, batch_size, attention)``, ``can_map``, ``with_sparsity``, ``task`` and ``classes``.
    records : iterable of Record
        From :func:`mlx_gsa.explain.records.fasta_records` or ``dataset_records``.
    out : Path
        The folder to write; an older explanation there is replaced, anything else is left alone.
    motifs : sequence of Motif or MotifScanner, optional
        What the best spans are matched with.
    known_sites : mapping or callable, optional
        Record id to known sites (Sites or TrackSite), which are drawn and compared.
    heatmaps : int or 'all'
        How many records, the first ones, get a heatmap and their attention map in ``arrays.npz``; both cost
        far more than the prediction itself. Of a record with too many kept positions the tracks alone are drawn.
    top : int
        Spans reported and matched per record.
    progress : callable, optional
        Called as ``progress(records_done)``.
    sparsity : float, optional
        Share of positions to keep; the model's own without it.
    batch_size : int
        Records per forward pass.
    record_files : bool
        Whether records without a heatmap get a folder too.
    source : dict, optional
        What to note in ``manifest.json``, such as the run and the input.
    tally : MotifTally, optional
        Counts which motifs lie in the kept positions; written as ``motifs.tsv`` when all records are done.
    others : iterable of Record, optional
        Records that are not explained, only counted as those to compare with.
    is_other : callable, optional
        Says of a record that is explained whether it is one of those to compare with.
    output : str, optional
        Of several outputs the one whose contributions are shown; the first without it.

    Yields
    ------
    Explanation
        In input order.

    Raises
    ------
    GsaError
        If ``out`` is not free, a record cannot be read, there is none, or the model has no selector.
    """
    predictor.require_selector()
    scanner = motifs if motifs is None or hasattr(motifs, "scan") else MotifScanner(motifs)
    sites_of = known_sites if callable(known_sites) else (known_sites or {}).get
    if sparsity is not None:
        predictor = predictor.with_sparsity(sparsity)
    out = Path(out)
    tally = tally if scanner else None
    outputs = getattr(predictor, "outputs", None)
    options = _Options(
        out, scanner, sites_of, top, record_files, predictor.task, predictor.classes, outputs, _chosen(outputs, output),
        tally, is_other or (lambda record: False),
    )  # fmt: skip
    maps = None if heatmaps == "all" else int(heatmaps)
    names, done = UniqueNames(), 0
    with atomic_folder(out, kind=FORMAT, known=KNOWN_NAMES, error=GsaError) as folder:
        with CombinedFiles(folder) as combined:
            for record, prediction, hits in _scanned(_predictions(predictor, records, maps, batch_size), scanner):
                drawn = maps is None or done < maps
                yield _explain(record, prediction, hits, folder, names(record.id), combined, options, drawn)
                done += 1
                if progress is not None:
                    progress(done)
        if not done:
            raise SequenceError("no record to explain", expected="at least one sequence")
        if tally is not None:
            _count_others(_scanned(_predictions(predictor, others, 0, batch_size), scanner), options)
            rows = tally.rows()
            if rows:
                write_motif_table(folder / MOTIFS, rows)
        write_manifest(folder, _facts(source, done, heatmaps, sparsity, options))


def _chosen(outputs, output):
    """Return the number of the output to show."""
    if output is None:
        return 0
    if output not in (outputs or ()):
        found, expected = str(output), ", ".join(outputs) if outputs else "none: the model has a single output"
        raise GsaError("the model has no such output", expected=expected, found=found)
    return outputs.index(output)


def _predictions(predictor, records, maps, batch_size):
    """Pair records with predictions; only the first ``maps`` are asked for their map, unless it would be too large."""
    waiting = deque()

    def tokens(part):
        for _, record in part:
            waiting.append(record)
            yield record.tokens

    def has_map(numbered):
        number, record = numbered
        return (maps is None or number < maps) and predictor.can_map(len(record.tokens))

    # The predictor reads some batches ahead and holds their maps: 1 MB each for 500 kept positions.
    for attention, part in groupby(enumerate(records), key=has_map):
        size = min(batch_size, BATCH_WITH_MAPS) if attention else batch_size
        for prediction in predictor.predict(tokens(part), batch_size=size, attention=attention):
            yield waiting.popleft(), prediction


def _scanned(pairs, scanner):
    """Add to each record and its prediction the motif hits in it, found for many records at once."""
    batch = []
    for pair in pairs:
        batch.append(pair)
        full = 1 if scanner is None else BATCH_TO_SCAN if pair[1].weights is None else BATCH_WITH_MAPS
        if len(batch) >= full:
            yield from _with_hits(batch, scanner)
            batch = []
    yield from _with_hits(batch, scanner)


def _with_hits(batch, scanner):
    """Scan the records of a batch in one call."""
    hits = scan_many(scanner, [record.tokens for record, _ in batch]) if scanner else [[]] * len(batch)
    for (record, prediction), found in zip(batch, hits, strict=True):
        yield record, prediction, found


def _count_others(scanned, options):
    """Count records that are only compared with."""
    for record, prediction, hits in scanned:
        telling = outstanding(_spans(prediction, options)[0], prediction.relevance)
        options.tally.add(hits, len(record.tokens), telling[: options.top], other=True)


def _spans(prediction, options):
    """Return the spans of a prediction, what each position adds to the output explained, and which output that is."""
    output = int(np.argmax(prediction.prediction)) if options.task == "multiclass" else options.output
    contribution = signed_contribution(prediction.contribution, output)
    return find_spans(prediction.relevance, prediction.kept, contribution), contribution, output


def _explain(record, prediction, hits, folder, name, combined, options, drawn) -> Explanation:
    spans, contribution, output = _spans(prediction, options)
    telling = outstanding(spans, prediction.relevance)
    best = telling[: options.top]
    length, n_motifs = len(record.tokens), len(options.scanner.motifs) if options.scanner else 0
    matches = match_hits(hits, length, best, n_motifs) if options.scanner else {}
    if options.tally is not None:
        options.tally.add(hits, length, best, options.is_other(record))
    known = as_track_sites(options.sites_of(record.id))
    sites = compare_sites(prediction.relevance, prediction.kept, spans, known)
    files = {}
    if drawn or options.record_files:
        files = write_record_files(folder / "records" / name, record, prediction, spans, contribution)
    found = Explanation(
        record.id, record.place, len(record.tokens), float(prediction.prediction[output]),
        describe_prediction(prediction.prediction, options.task, options.classes, options.outputs),
        record.label if record.labels is None else record.labels.get((options.outputs or [""])[output]),
        len(prediction.kept), len(spans), len(telling), tuple(best), matches, tuple(sites), {},
        "; ".join(filter(None, (record.note, NO_MAP if drawn and prediction.weights is None else ""))),
        _by_output(prediction, record, options.outputs),
    )  # fmt: skip
    if drawn:
        files = {**_draw(folder / "records" / name, record, prediction, found, known, output), **files}
    combined.add_summary(summary_row(found))
    combined.add_tracks(record, prediction.relevance, spans)
    combined.add_spans(record, decode(record.tokens), best, matches)
    final = {key: options.out / path.relative_to(folder) for key, path in files.items()}
    return found._replace(files=final)


def _by_output(prediction, record, outputs):
    """Return prediction and label of each of several outputs by column name, None where there is one."""
    if not outputs:
        return None
    found = {f"prediction:{name}": float(value) for name, value in zip(outputs, prediction.prediction, strict=True)}
    return found | {f"label:{name}": (record.labels or {}).get(name) for name in outputs}


def _draw(folder, record, prediction, found, known, output):
    shown = {rank: rows[0] for rank, rows in found.matches.items() if rows and rows[0].q_value <= SHOWN_Q}
    sites = known or [_as_site(match) for match in shown.values()]
    labels = {rank: _match_text(match) for rank, match in shown.items()}
    place = record.place
    paths = [folder / "attention.png", folder / "attention.svg"]
    attention_heatmap_figure(
        prediction, found.length, record.id[:70], found.spans, sites, place.start,
        place.chrom if place.genomic else None, place.strand, paths,
        tokens=record.tokens, subtitle=subtitle(found), span_labels=labels, output=output,
    )  # fmt: skip
    return {"heatmap": paths[0], "heatmap_svg": paths[1]}


def _as_site(match: MotifMatch) -> TrackSite:
    return TrackSite(match.start, match.end, match.strand, match.name, "match")


def _match_text(match: MotifMatch) -> str:
    return f"like {match.name[:14]} ({match.strand.replace('-', '−')}), q = {match.q_value:.1g}"


def _facts(source: Mapping | None, done, heatmaps, sparsity, options) -> dict:
    scanner = options.scanner
    return {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "n_records": done,
        "task": options.task,
        "classes": options.classes,
        "outputs": options.outputs,
        "shown_output": options.outputs and options.outputs[options.output],
        "sparsity": sparsity,
        "heatmaps": heatmaps,
        "n_motifs": len(scanner.motifs) if scanner else 0,
        "coordinates": "0-based, half-open, on the chromosome where the input names one",
        "spans": "score 0-1000 is relative to the record's own highest and lowest span",
        **(source or {}),
    }
