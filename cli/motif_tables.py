"""The tables of `gsa motifs`."""

from mlx_gsa.cli.console import console, facts, table

SHOWN, SHOWN_OTHERS = 15, 5


def show_motifs(outcome):
    """Print what was found: records, enriched families, the best of the others, known sites."""
    manifest = outcome.manifest
    matched = [(f"matched, {cut}", _matching(one)) for cut, one in outcome.study.matching.items()]
    rows = [
        ("records", f"{manifest['records']} ({manifest['n_records']:,}, in {manifest['n_groups']:,} groups)"),
        ("motifs", f"{manifest['motifs']}: {manifest['n_motifs']:,}, {manifest['n_tested']:,} with enough sites"),
        ("chosen by", manifest["motifs_because"]),
        *matched,
    ]
    console.print(facts("Looked at", rows))
    enriched = [family for family in outcome.families if family.best.enriched]
    others = [family for family in outcome.families if not family.best.enriched]
    if enriched:
        console.print(_family_table(f"Enriched families: {len(enriched)}", enriched[:SHOWN], len(enriched)))
    else:
        console.print("No motif is enriched against all three controls.", style="bold")
    if others and len(enriched) < SHOWN:
        console.print(_family_table("Not enriched: the next ones", others[:SHOWN_OTHERS], len(others)))
    for row in _near_misses(outcome):
        console.print(row, markup=False)
    if outcome.known is not None and outcome.known.rows:
        console.print(_known_table(outcome.known))


def _matching(one):
    share = one.matched / max(one.positions, 1)
    return f"{one.matched:,} of {one.positions:,} positions ({share:.1%}), {one.alternatives:g} others each (median)"


def _family_table(title, families, total):
    columns = ["family", "matrix", "positions", "records", "matched", "q", "shuffled", "q", "untrained", "q"]
    rows = []
    for family in families:
        best, more = family.best, len(family.names)
        name = best.name + (f" (and {', '.join(family.names[:2])}{', ...' if more > 2 else ''})" if more else "")
        cells = [name, best.motif_id, best.cut, f"{best.rate:.1%}"]
        for one in best.against.values():
            cells += [_times(one.enrichment), f"{one.q:.1g}"]
        rows.append(cells)
    notes = "records: with a site that is looked at. Columns: times the control (95 % interval), q over all matrices."
    notes += f"\nThe first {len(families)} of {total}; all are in motifs.tsv." if total > len(families) else ""
    return table(title, columns, rows, notes)


def _times(interval):
    return f"{interval.value:.2f} x ({interval.low:.2f}–{interval.high:.2f})"


def _near_misses(outcome):
    """Say for each cut how many matrices each control alone would call enriched."""
    for cut, one in outcome.to_dict()["cuts"].items():
        alone = ", ".join(f"{name} {number}" for name, number in one["below_alpha"].items())
        yield f"{cut}: {one['enriched']} matrices with q < 0.01 against all three; against each alone: {alone}."


def _known_table(known):
    columns = ["cut", "kind", "sites", "recall", "chance", "decoys", "kept", "chance", "precision", "chance"]
    rows = [
        (row.cut, row.kind, row.functional, _percent(row.recall), f"{row.recall_chance:.1%}", row.decoys,
         _percent(row.decoy_rate), f"{row.decoy_chance:.1%}", _percent(row.precision), f"{row.precision_chance:.1%}")
        for row in known.rows if row.kind == "all" or row.cut in ("kept", "top 1 %")
    ]  # fmt: skip
    caption = "decoys: with a mutated core; one that is looked at is an error. precision: functional sites among all "
    caption += "sites looked at,\ndecoys and sites at a place where they do not act counted as errors"
    return table("Known sites, all records of the split", columns, rows, caption)


def _percent(interval):
    value, low, high = (100 * part for part in interval)
    return "" if value != value else f"{value:.1f}% ({low:.1f}–{high:.1f})"
