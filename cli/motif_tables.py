"""The tables of `gsa motifs`."""

from mlx_gsa.cli.console import console, facts, table

SHOWN, SHOWN_OTHERS = 15, 5
IN_REPEATS = 0.3  # share of positions in simple repeats from which the table says so
BY_KIND = "top 1 %"  # the cut shown kind by kind; of the others the total


def show_motifs(outcome):
    """Print what was found: records, enriched families, the best of the others, known sites."""
    manifest = outcome.manifest
    rows = [
        ("records", f"{manifest['records']} ({manifest['n_records']:,}, in {manifest['n_groups']:,} groups)"),
        ("motifs", f"{manifest['motifs']}: {manifest['n_motifs']:,}, {manifest['n_tested']:,} with enough sites"),
        ("chosen by", manifest["motifs_because"]),
        *((f"matched, {cut}", _matching(one)) for cut, one in outcome.study.matching.items()),
    ]
    console.print(facts("Looked at", rows))
    enriched = [family for family in outcome.families if family.enriched]
    others = [family for family in outcome.families if not family.enriched]
    if enriched:
        console.print(_family_table(f"Enriched families: {len(enriched)}", enriched[:SHOWN], len(enriched)))
    else:
        console.print("No motif is enriched against all three controls.", style="bold")
    if others and len(enriched) < SHOWN:
        console.print(_family_table("Not enriched: the next ones", others[:SHOWN_OTHERS], len(others)))
    for line in _by_control(outcome):
        console.print(line, markup=False)
    if outcome.known is not None and outcome.known.rows:
        console.print(_known_table(outcome.known))


def _matching(one):
    share = one.matched / max(one.positions, 1)
    return f"{one.matched:,} of {one.positions:,} positions ({share:.1%}), {one.alternatives:g} others each (median)"


def _family_table(title, families, total):
    rows = []
    for family in families:
        best = family.best
        cells = [_name(family), best.motif_id, best.cut, f"{best.rate:.0%}"]
        cells += [f"{one.enrichment.value:.1f} x, {one.q:.0e}" for one in best.against.values()]
        rows.append([*cells, _label(best.label)])
    columns = ["family", "matrix", "at", "records", "v matched, q", "v shuffled, q", "v untrained, q", "label, q"]
    notes = "records: with a site that is looked at. v: times the control; q over all matrices and cuts.\n"
    notes += "label: mean of records with a site looked at less that of the others, in sd; enriched ones only.\n"
    notes += "(as X): most of its positions lie in sites of X, too. repeats: simple ones, as (CA)n."
    notes += f" The first {len(families)} of {total}; all are in motifs.tsv." if total > len(families) else ""
    return table(title, columns, rows, notes)


def _label(found):
    return None if found is None else f"{found.effect:+.2f} sd, {found.q:.0e}"


def _name(family):
    more = f" +{len(family.names)}" if family.names else ""
    repeats = f" ({family.repeats:.0%} in repeats)" if family.repeats >= IN_REPEATS else ""
    return f"{family.best.name}{more}" + (f" (as {family.echo})" if family.echo else "") + repeats


def _by_control(outcome):
    """Say for each cut how many matrices each control alone would call enriched."""
    for cut, one in outcome.to_dict()["cuts"].items():
        alone = ", ".join(f"{name} {number}" for name, number in one["below_alpha"].items())
        yield (
            f"{cut}: {one['enriched']} matrices with q < 0.01 against all three, {one['associated']} of them "
            f"associated with the label; against each alone: {alone}."
        )


def _known_table(known):
    rows = [
        (row.cut, row.kind, row.functional, _beside(row.recall, row.recall_chance), row.decoys,
         _beside(row.decoy_rate, row.decoy_chance), _beside(row.precision, row.precision_chance))
        for row in known.rows if row.kind == "all" or row.cut == BY_KIND
    ]  # fmt: skip
    caption = "decoys: with a mutated core; one that is looked at is an error. precision: functional sites among all\n"
    caption += "sites looked at, decoys and sites at a place where they do not act counted as errors."
    columns = ["at", "kind", "sites", "recall", "decoys", "looked at", "precision"]
    return table("Known sites, all records of the split (in brackets: by chance)", columns, rows, caption)


def _beside(interval, chance):
    return "" if interval.value != interval.value else f"{interval.value:.1%} ({chance:.1%})"
