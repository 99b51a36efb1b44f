"""`gsa explain`: which positions of a sequence matter, as heatmaps, tracks and a table of spans."""

from contextlib import closing
from pathlib import Path

import click

from mlx_gsa.cli.console import console, facts, reporting, table

FOLDER = click.Path(file_okay=False, path_type=Path)
FEW = 20  # records shown one by one; more get one table
DRAWN_OF_MANY = 5
SHOWN_SPANS = 5
MOTIFS_HELP = "vertebrates, insects, fungi, plants, promoter_elements, or a MEME, JASPAR or TRANSFAC file."
HEATMAPS_HELP = "How many records, the first ones, get a heatmap and a folder.  [default: all up to 20, else 5]"
OUTPUT_HELP = "Of several outputs the one whose contributions are shown.  [default: the first]"
RECORD_HELP = "Record of the data set, by id or number; may be repeated.  [default: the first of test]"
CLASS_HELP = "Explain only records of one class, by name or number, and compare their motifs with the others'."


class HeatmapCount(click.ParamType):
    """A number of records, or 'all'."""

    name = "N|all"

    def convert(self, value, param, ctx):
        """Return the number, or 'all'; anything else is wrong usage."""
        if str(value).lower() == "all":
            return "all"
        if str(value).isdigit():
            return int(value)
        self.fail(f"{value!r} is neither a number of records nor 'all'", param, ctx)


@click.command()
@click.argument("fasta", required=False, type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--run", type=FOLDER, help="Run folder; otherwise the latest run, or the model that ships.")
@click.option("--out", type=FOLDER, help="Folder to write.  [default: explained/NAME-OF-THE-INPUT]")
@click.option("--motifs", default="vertebrates", show_default=True, metavar="NAME|FILE|none", help=MOTIFS_HELP)
@click.option("--heatmaps", "--records-to-draw", type=HeatmapCount(), help=HEATMAPS_HELP)
@click.option("--sparsity", type=click.FloatRange(0, 1, min_open=True), help="Share kept; otherwise the model's.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Spans shown and matched.")
@click.option("--combined-only/--every-folder", default=None, help="No folder for records without a heatmap, or one.")
@click.option("--output", metavar="NAME", help=OUTPUT_HELP)
@click.option("--data", type=FOLDER, help="Prepared data set to take records from, instead of FASTA.")
@click.option("--record", "names", multiple=True, metavar="ID", help=RECORD_HELP)
@click.option("--split", type=click.Choice(["train", "val", "test", "all"]), help="All records of a split of --data.")
@click.option("--class", "--label", "class_name", metavar="CLASS", help=CLASS_HELP)
@click.option("--limit", type=click.IntRange(1), help="At most so many records of the split, evenly chosen.")
def command(
    fasta, run, out, motifs, heatmaps, sparsity, top, combined_only, output, data, names, split, class_name, limit
):
    """Show which positions of a sequence matter, as heatmaps and tracks.

    FASTA may be plain or gzip, or - for standard input. Coordinates are read from headers such as
    chr7:5,000-7,000(-); otherwise positions count from the start of the sequence.
    """
    _check_usage(fasta, data, names, split or class_name or limit)
    from mlx_gsa.cli.explain_input import dataset_input, fasta_input
    from mlx_gsa.explain.explain import explain_records
    from mlx_gsa.explain.motif_summary import MotifTally
    from mlx_gsa.inference.predictor import Predictor
    from mlx_gsa.training.run import find_run

    found = find_run(run)
    given = dataset_input(data, names, split, class_name, limit, found) if data else fasta_input(fasta, FEW)
    out = out or Path("explained") / given.name
    scanner = _scanner(motifs)
    tally = MotifTally(scanner.motifs) if scanner else None
    source = {"input": str(data or fasta), "run": str(found.path), "shipped_model": bool(found.shipped)}
    source |= {"motifs": motifs, **given.facts}
    if heatmaps is None:
        heatmaps = DRAWN_OF_MANY if given.many else FEW
    say_model(found)
    predictor = Predictor.from_folder(found.model_folder)
    with reporting("Explaining", total=given.total, unit="sequences") as report:
        stream = explain_records(
            predictor, given.records, out, motifs=scanner, known_sites=given.sites, heatmaps=heatmaps,
            sparsity=sparsity, top=top, record_files=not (given.many if combined_only is None else combined_only),
            progress=report, source=source, tally=tally, others=given.others, is_other=given.is_other,
            output=output,
        )  # fmt: skip
        with closing(stream):
            explained, count, noted = _collect(stream)
    _show(explained, count, noted, out, heatmaps)
    if tally is not None:
        _show_motifs(tally, given, out)


def _check_usage(fasta, data, names, chosen):
    if (fasta is None) == (data is None):
        raise click.UsageError("Give a FASTA file, or a prepared data set with --data.")
    if chosen and data is None:
        raise click.UsageError("--split, --class and --limit choose records of a data set: give --data.")
    if chosen and names:
        raise click.UsageError("Give --record, or --split with --class and --limit, not both.")
    if names and data is None:
        raise click.UsageError("--record names a record of a data set: give its folder with --data.")


def _scanner(motifs):
    if motifs.lower() == "none":
        return None
    from mlx_gsa.dna.motifs import MotifScanner, load_motifs

    return MotifScanner(load_motifs(motifs))


def say_model(run, to=console):
    """Say which model is used, and what the shipped one is worth."""
    if run.shipped:
        to.print(
            "No run was found, so this uses the small model that ships with the program. It was trained on "
            "synthetic sequences: it shows how the program works and says nothing about real regulation.",
            style="yellow",
        )
    else:
        to.print(f"Model: {run.path}", markup=False)


def _collect(stream):
    """Hold the first few explanations, for the terminal; count all, and those with a note."""
    few, count, noted = [], 0, 0
    for explanation in stream:
        count += 1
        noted += bool(explanation.note)
        if len(few) < FEW:
            few.append(explanation)
    return few, count, noted


def _show(explained, count, noted, out, heatmaps):
    if count <= FEW:
        for found in explained:
            _show_record(found, spans=len(found.spans) if count == 1 else SHOWN_SPANS)
    else:
        console.print(_summary_table(explained, count, out))
        if noted:
            console.print(f"{noted:,} records have a note in the last column of summary.tsv.")
    if heatmaps != "all" and count > heatmaps:
        console.print(f"The first {heatmaps} of {count:,} records got a heatmap (--heatmaps all: every one).")
    combined = "summary.tsv, top_spans.tsv, spans.bed, relevance.bedgraph"
    each = "records/" if (out / "records").is_dir() else None
    console.print(facts("Written", [("folder", out), ("all records", combined), ("each record", each)]))


def _show_record(found, spans):
    place = found.place
    where = place.text(0, found.length) + strand_text(place.strand) if place.genomic else None
    rows = [
        ("predicted", found.text),
        ("label", found.label),
        ("where", where),
        ("kept", f"{found.n_kept:,} of {found.length:,} bp, in {found.n_spans:,} spans"),
        ("note", found.note or None),
    ]
    console.print(facts(found.id, rows))
    console.print(_span_table(found, spans))
    if found.sites:
        console.print(_site_table(found))
    names = ("heatmap", "heatmap_svg", "bed", "bedgraph", "tsv", "npz")
    files = [(name.replace("_", " "), found.files[name]) for name in names if name in found.files]
    if files:
        console.print(facts(None, files))


def strand_text(strand):
    """Write the strand of a record behind its coordinates; nothing where it is not stated."""
    return f" ({strand})" if strand in ("+", "-") else ""


def _span_table(found, shown):
    columns = ["", "span", "bp", "relevance", "contribution", "looks like", "q"]
    rows = []
    for span in found.spans[:shown]:
        matches = found.matches.get(span.rank) or []
        names = ", ".join(dict.fromkeys(match.name for match in matches)) or None
        where, q = found.place.text(span.start, span.end), matches[0].q_value if matches else None
        rows.append((span.rank, where, span.end - span.start, span.max_relevance, span.contribution, names, q))
    filling = found.n_spans - found.n_outstanding
    notes = [f"{filling:,} more spans only fill the budget: no position in them stands out."] if filling else []
    if found.matches:
        notes.append("Matches describe the bases around a span; they are no test of enrichment or binding.")
    return table(f"Most relevant spans of {found.n_outstanding:,}", columns, rows, "\n".join(notes) or None)


def _site_table(found):
    from mlx_gsa.explain.compare import count_found

    columns = ["known site", "role", "where", "strand", "touched", "covered", "span", "relevance rank"]
    rows = [
        (site.kind, site.role.replace("_", " "), found.place.text(site.start, site.end),
         found.place.strand_of(site.strand), "yes" if site.touched else "no", f"{site.covered:.0%}",
         site.span_rank, site.relevance_rank)
        for site in found.sites if site.role != "accidental"
    ]  # fmt: skip
    n_found, n_active, chance = count_found(found.sites)
    caption = f"{n_found} of {n_active} active sites touched; as many random positions touch {chance:.1f}."
    return table("Found and planted", columns, rows, caption)


def _summary_table(explained, count, out):
    rows = []
    for found in explained:
        span, place = found.spans[0], found.place
        match = next(iter(found.matches.get(span.rank, [])), None)
        rows.append(
            (found.id, found.length, found.text, found.n_kept, place.text(span.start, span.end),
             span.max_relevance, match and match.name, match and match.q_value)
        )  # fmt: skip
    columns = ["record", "bp", "predicted", "kept", "top span", "relevance", "looks like", "q"]
    caption = f"The first {len(rows)} of {count:,} records; all are in {out}/summary.tsv."
    return table(f"{count:,} records explained", columns, rows, caption)


def _show_motifs(tally, given, out):
    from mlx_gsa.cli.explain_motifs import motif_table

    rows = tally.rows()
    if rows:
        console.print(motif_table(rows, given.words, out))
