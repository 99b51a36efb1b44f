"""The table of motifs in the kept positions of many records."""

from mlx_gsa.cli.console import table

SHOWN = 15


def motif_table(rows, words, out):
    """Lay out the best motifs, one row per family.

    Parameters
    ----------
    rows : list of MotifRow
        By p-value.
    words : (str, str or None)
        What the records are, and what those are that they were compared with.
    out : Path
        Folder of ``motifs.tsv``.

    Returns
    -------
    rich.table.Table
    """
    mine, others = words
    alike = {}
    for row in rows:
        alike.setdefault(row.family, []).append(row.name)
    leaders = [row for row in rows if row.family == row.motif_id and row.hit][:SHOWN]
    compared = others is not None and rows[0].other_records
    heads = ["motif", "matrix", "share", *([f"of {others}"] if compared else [])]
    heads += ["by chance", "times", "q", "also there"]
    cells = []
    for row in leaders:
        line = [row.name, row.motif_id, f"{row.rate:.1%}", *([f"{row.expected_rate:.1%}"] if compared else [])]
        similar = ", ".join(dict.fromkeys(alike[row.family][1:4])) + (", ..." if len(alike[row.family]) > 4 else "")
        line += [f"{row.expected / row.records:.1%}", f"{row.enrichment:.1f} x", _q_text(row.q), similar or None]
        cells.append(line)
    count = f"{rows[0].records:,} records" + (f", {rows[0].other_records:,} of {others}" if compared else "")
    against = f"the share of {others}" if compared else "chance"
    notes = [
        f"share: of {mine}, with the peak of one of the best spans in a site.",
        "by chance: with as many random positions. also there: motifs with sites at the same places.",
        f"times, q: against {against}. All {len(rows):,} matrices are in {out}/motifs.tsv.",
    ]
    return table(f"Motifs in the kept positions ({count})", heads, cells, "\n".join(notes))


def _q_text(q):
    """Write a q-value; one too small for a float as what it is below."""
    return f"{q:.1g}" if q > 0 else "< 1e-300"
