"""The second half of `gsa motifs`: novel motifs, and the spacing of pairs."""

from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from mlx_gsa.cli.console import console, err_console, facts, reporting, table

SHOWN = 12
ENRICHED = "enriched"


@dataclass
class Extras:
    """What was found besides known motifs: a `NovelStudy` or None, what was left out and found again, spacing."""

    study: object = None
    again: dict = field(default_factory=dict)
    spacing: list = field(default_factory=list)
    novel_manifest: dict = field(default_factory=dict)
    spacing_manifest: dict = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)

    def to_dict(self) -> dict:
        """Give it as what JSON can hold, by the names of its files."""
        from mlx_gsa.motifs.novel_files import study_dict
        from mlx_gsa.motifs.spacing_files import spacing_dict

        novel = {} if self.study is None else {"novel": study_dict(self.study, self.novel_manifest, self.again)}
        return novel | ({"spacing": spacing_dict(self.spacing, self.spacing_manifest)} if self.spacing else {})

    def show(self):
        """Print tables."""
        if self.study is not None:
            _show_novel(self.study, self.again)
        if self.spacing:
            _show_spacing(self.spacing)


def check_names(dataset, options, file, extras):
    """Raise, before anything that takes long, if a motif that is named is not among those looked for.

    Parameters
    ----------
    dataset : Dataset
    options : dict
        Of the command: ``taxon``, ``release``.
    file : Path or None
    extras : dict
        As for `run_extras`.

    Raises
    ------
    click.BadParameter
        A pair that is not FIRST,SECOND, or of an unknown motif.
    MotifError
        An unknown motif to leave out.
    """
    from mlx_gsa.motifs.alignment import leave_out, named
    from mlx_gsa.motifs.sources import choose_motifs

    if not extras["left_out"] and not extras["spacing"]:
        return
    motifs = choose_motifs(dataset, options["taxon"], file, options["release"]).motifs
    leave_out(motifs, extras["left_out"])
    for text in extras["spacing"]:
        names = text.split(",")
        unknown = [name for name in names if not named(motifs, name)]
        if text != ENRICHED and (len(names) != 2 or unknown):
            found = f"{len(names)} names" if len(names) != 2 else f"no motif {', '.join(unknown)}"
            raise click.BadParameter(f"{text!r}: expected FIRST,SECOND or {ENRICHED}; {found}.", param_hint="--spacing")


def run_extras(outcome, command, folder, options, extras) -> Extras:
    """Look for novel motifs and measure spacing, as asked, and write what is found.

    Parameters
    ----------
    outcome : MotifOutcome
    command : str
        What repeats it, for the manifests.
    folder : Path
    options : dict
        Of the command: ``permutations``, ``untrained``, ``p_value``, ``seed``, ``batch_size``, ``split``.
    extras : dict
        ``novel`` (bool), ``left_out`` and ``spacing`` (sequences of str).

    Returns
    -------
    Extras
    """
    done = Extras()
    if extras["novel"]:
        _search_novel(done, outcome, command, folder, options, extras["left_out"])
    if extras["spacing"]:
        _measure_spacing(done, outcome, command, folder, options, extras["spacing"])
    return done


def _search_novel(done, outcome, command, folder, options, left_out):
    """Discover motifs on training and validation records, test them on the test records, write and draw them."""
    from mlx_gsa.explain.figures.novel_motifs import MOST, novel_motifs_figure
    from mlx_gsa.motifs.alignment import best_agreement, leave_out, named
    from mlx_gsa.motifs.novel import find_novel
    from mlx_gsa.motifs.novel_files import novel_manifest, novel_rows, save_novel

    dataset, database = outcome.dataset, outcome.study.motifs
    kept, gone = leave_out(database, left_out)
    discovery = np.concatenate([dataset.indices("train"), dataset.indices("val")])
    test = dataset.indices("test")
    if not len(discovery) or not len(test):
        err_console.print("No novel motifs: the data set has no training or no test records.", style="yellow")
        return
    settings = {name: options[name] for name in ("permutations", "untrained", "p_value", "seed", "batch_size")}
    with reporting("Novel motifs", unit="steps") as report:
        study = find_novel(outcome.predictor, dataset, discovery, test, kept, progress=report, **settings)
    found = [each.motif for each in study.motifs]
    done.study, done.again = study, {name: best_agreement(found, named(database, name)) for name in left_out}
    done.novel_manifest = novel_manifest(outcome.manifest, command, settings, gone)
    done.paths += save_novel(study, folder, done.novel_manifest, done.again)
    title = f"{len(study.novel)} new of {len(study.motifs)} motifs discovered at {study.peaks:,} peaks of relevance"
    title += f"; the first {MOST}" if len(study.motifs) > MOST else ""
    done.paths += _drawn(novel_motifs_figure, novel_rows(study, kept), folder, "novel", title)


def _measure_spacing(done, outcome, command, folder, options, wanted):
    """Measure the spacing of pairs of motifs in all records of the split, write and draw it."""
    from mlx_gsa.explain.figures.spacing import spacing_figure
    from mlx_gsa.motifs.novel_files import novel_manifest
    from mlx_gsa.motifs.spacing import measure_spacing
    from mlx_gsa.motifs.spacing_files import save_spacing, spacing_rows

    pairs = [pair for text in wanted for pair in _pairs(outcome, text)]
    if not pairs:
        err_console.print("No spacing: fewer than two motifs are enriched.", style="yellow")
        return
    settings = {name: options[name] for name in ("permutations", "p_value", "seed", "batch_size")}
    indices = outcome.dataset.indices(options["split"])
    with reporting("Spacing", unit="steps") as report:
        results = measure_spacing(outcome.predictor, outcome.dataset, indices, pairs, progress=report, **settings)
    done.spacing = results
    done.spacing_manifest = novel_manifest(outcome.manifest, command, {**settings, "split": options["split"]})
    done.paths += save_spacing(results, folder, done.spacing_manifest)
    title = f"Spacing in {len(indices):,} records ({options['split']})"
    done.paths += _drawn(spacing_figure, spacing_rows(results), folder, "spacing", title)


def _pairs(outcome, text):
    """Return the pairs of motifs that an argument, checked before, stands for."""
    from mlx_gsa.motifs.spacing_files import enriched_pairs

    if text == ENRICHED:
        return enriched_pairs([outcome.matrix(row.motif_id) for row in outcome.enriched])
    return [tuple(_best_of_name(outcome, name) for name in text.split(","))]


def _best_of_name(outcome, name):
    """Return the matrix of a name that ranks highest among those tested."""
    from mlx_gsa.motifs.alignment import named

    motifs = {motif.id: motif for motif in named(outcome.study.motifs, name)}
    ranked = [row.motif_id for row in outcome.study.rows if row.motif_id in motifs]
    return motifs[[*ranked, *motifs][0]]


def _drawn(figure, rows, folder, name, title):
    """Draw a figure as PNG and SVG; nothing, and a note, without logomaker."""
    from mlx_gsa.errors import GsaError

    try:
        return figure(rows, [folder / f"{name}.png", folder / f"{name}.svg"], title)
    except GsaError as missing:
        err_console.print(f"No figure: {missing.what}. {missing.mend}", style="yellow", markup=False)
        return []


def _show_novel(study, again):
    """Print the motifs discovered, and how well those left out were found again."""
    rows = []
    for each in sorted(study.motifs, key=lambda each: not each.is_novel)[:SHOWN]:
        row, label = each.enrichment, each.label
        state = "new" if each.is_novel else "known" if each.is_known else "unconfirmed"
        closest = each.closest and f"{each.closest.name} {each.closest.similarity:.2f}"
        tested = [f"{row.least:.1f} x", f"{label.effect:+.2f} sd"] if row else [None, None]
        rows.append([each.motif.name, state, each.sites, closest, *tested, f"{each.q:.1g}"])
    columns = ["motif", "", "sites", "closest", "enriched", "label", "q"]
    caption = "Discovered on training and validation records; enriched (least of three controls), label and q\n"
    caption += "(largest of theirs) on test records. New: q < 0.01 and no matrix of the database is alike."
    console.print(table(f"Motifs discovered: {len(study.novel)} new of {len(study.motifs)}", columns, rows, caption))
    for name, best in again.items():
        text = "nothing"
        if best is not None:
            motif, agreement = best
            text = f"{motif.name}, mean Pearson of informative columns {agreement.informative:.3f}, "
            text += f"over the full width {agreement.full:.3f}"
        console.print(f"Left out {name}: found again {text}", markup=False)


def _show_spacing(results):
    """Print one line for each pair."""
    from mlx_gsa.motifs.spacing_files import peak_text

    console.print(facts("Spacing", [(f"{one.first.name}, {one.second.name}", peak_text(one)) for one in results]))
