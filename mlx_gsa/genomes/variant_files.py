"""What `gsa variants` leaves: an annotated VCF, a table with a row for each allele, and a manifest with the counts."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from Bio.bgzf import BgzfWriter

from mlx_gsa.data.atomic import atomic_file, atomic_folder
from mlx_gsa.errors import VariantError
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.genomes.variant_rows import NAMES, VariantTally, header_lines, info_of, table_columns, table_row
from mlx_gsa.genomes.variants import VariantScorer
from mlx_gsa.genomes.vcf import Header, Site
from mlx_gsa.runtime import machine, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.variants", 1
VCF, TABLE, MANIFEST = "variants.vcf", "variants.tsv", "manifest.json"
_ENCODING = ("utf-8", "surrogateescape")  # what is no UTF-8 goes out as it came in


class Paths(NamedTuple):
    """Where the output goes; ``table`` and ``manifest`` are None where only a VCF is written."""

    vcf: Path | BinaryIO
    table: Path | None
    manifest: Path | None


def is_vcf_name(path) -> bool:
    """Say whether a path names a VCF rather than a folder."""
    return str(path).lower().endswith((".vcf", ".vcf.gz"))


@contextmanager
def output_paths(out, *, packed: bool = False, overwrite: bool = False) -> Iterator[Paths]:
    """Yield files to write that get their names if, and only if, the body succeeds.

    Parameters
    ----------
    out : Path or binary stream
        A folder (``variants.vcf``, ``variants.tsv``, ``manifest.json``); a name that ends in ``.vcf`` or ``.vcf.gz``,
        with the table and the manifest beside it as ``.tsv`` and ``.json``; or a stream, which gets the VCF alone.
    packed : bool
        Whether the VCF in a folder is compressed.
    overwrite : bool
        Whether existing files may be replaced; an older folder of this command always is.

    Raises
    ------
    VariantError
        `out` is something else, exists, or cannot be written.
    """
    if hasattr(out, "write"):
        yield Paths(out, None, None)
    elif is_vcf_name(out):
        stem = str(out)[: str(out).lower().rindex(".vcf")]
        with ExitStack() as stack:
            names = (out, f"{stem}.tsv", f"{stem}.json")
            files = [stack.enter_context(atomic_file(name, overwrite, VariantError)) for name in names]
            yield Paths(*files)
    else:
        known = (VCF, f"{VCF}.gz", TABLE)
        with atomic_folder(out, kind=FORMAT, known=known, error=VariantError) as folder:
            yield Paths(folder / (f"{VCF}.gz" if packed else VCF), folder / TABLE, folder / MANIFEST)


@contextmanager
def _vcf_writer(target, packed):
    """Yield ``write(line)``; compressed as bgzip does, so that tabix can index it."""
    if hasattr(target, "write"):
        yield lambda line: target.write(f"{line}\n".encode(*_ENCODING))
        target.flush()
        return
    with BgzfWriter(str(target), "wb") if packed else open(target, "wb") as file:
        yield lambda line: file.write(f"{line}\n".encode(*_ENCODING))


def write_variants(
    scorer: VariantScorer, header: Header, sites: Iterable[Site], paths: Paths, *, packed: bool = False,
    output: int = 0, top: int = 10, source: dict | None = None, progress: Callable | None = None,
) -> VariantTally:  # fmt: skip
    """Score the sites of a VCF and write what was found, line by line, in their order.

    Parameters
    ----------
    scorer : VariantScorer
    header : Header
    sites : iterable of Site
    paths : Paths
        From `output_paths`.
    packed : bool
        Whether the VCF is compressed.
    output : int
        Of several outputs the one in the VCF; the table has all.
    top : int
        Alleles with the largest differences held for the manifest and the screen.
    source : dict, optional
        What to note in the manifest and the VCF, such as run, genome and command.
    progress : callable, optional
        Called as ``progress(sites_done)``.

    Returns
    -------
    VariantTally

    Raises
    ------
    VariantError
        The file is not of this genome; see `VariantScorer.score`.
    """
    names, source = score_names(scorer.predictor), source or {}
    tally, columns = VariantTally(output, top), table_columns(names)
    what = score_text(scorer.predictor.task, names, output)
    with ExitStack() as stack:
        write = stack.enter_context(_vcf_writer(paths.vcf, packed))
        table = stack.enter_context(paths.table.open("w", encoding=_ENCODING[0], errors=_ENCODING[1])) \
            if paths.table else None  # fmt: skip
        lines = [*header_lines(what), *([f"##gsaCommand={source['command']}"] if "command" in source else [])]
        first = header.lines(lines, NAMES)
        if table:
            table.write("\t".join(columns) + "\n")
        for site, effects in scorer.score(sites, progress):
            for line in first:  # not before a batch is done: a VCF of another genome leaves nothing on a pipe
                write(line)
            first = ()
            write(site.line(info_of(effects, output), NAMES))
            if table:
                table.writelines("\t".join(table_row(site, one, len(names or [""]))) + "\n" for one in effects)
            tally.add(site, effects)
        for line in first:
            write(line)
    if paths.manifest:
        text = json.dumps(_manifest(scorer, tally, source, what), indent=1, allow_nan=False)
        paths.manifest.write_text(text + "\n", encoding="utf-8")
    return tally


def score_names(predictor) -> list[str] | None:
    """Name the numbers of a prediction; None where there is one."""
    if predictor.task == "multiclass":
        n_classes = predictor.config.n_outputs
        return [str(name) for name in predictor.classes or range(n_classes)]
    return list(predictor.outputs) if predictor.outputs else None


def score_text(task: str, names: list[str] | None, output: int) -> str:
    """Say what a score is, for the header of a VCF."""
    kind = "Predicted value in label units" if task == "regression" else "Predicted probability"
    return f"{kind} of {names[output]}" if names else kind


def _manifest(scorer, tally, source, what):
    genome = scorer.genome
    facts = {
        "format": FORMAT, "format_version": FORMAT_VERSION, **source, "seed": None, "score": what,
        "window": scorer.window, "batch_size": scorer.batch_size,
        "genome": {"path": str(genome.path), "chromosomes": len(genome.names), "bases": sum(genome.lengths.values())},
        "renamed": genome.renamed, "unknown_chromosomes": scorer.unknown,
        "n_motifs": len(scorer.motifs.motifs) if scorer.motifs else 0,
        "ref_mismatches": {"sites": scorer.mismatched, "of": scorer.checked,
                           "first": [one._asdict() for one in scorer.mismatches]},
        "summary": tally.to_dict(), "positions": "1-based, as in VCF",
        "versions": versions(), "machine": machine(),
    }  # fmt: skip
    return jsonable(facts)
