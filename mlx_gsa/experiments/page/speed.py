"""Seconds, memory and operations of forward passes, and how they grow with length."""

from mlx_gsa.experiments.page.text import plain, table


def speed_section(speed):
    """Write the section on speed.

    Parameters
    ----------
    speed : dict or None
        What `speed.measure_speed` found.

    Returns
    -------
    str
        Markdown; empty without a measurement.
    """
    if speed is None:
        return ""
    parts = ["## Speed of a forward pass\n", speed_tables(speed)]
    if speed["series"]:
        cells = [
            [each["label"], f"{each['lengths'][0]:,}-{each['lengths'][-1]:,}", each["batch_size"],
             *(plain(each[name], 2) for name in ("time", "flops", "memory"))]
            for each in speed["series"]
        ]  # fmt: skip
        head = ["model", "bp", "batch", "time", "operations", "memory"]
        parts.append("Exponent of length, 1 = linear, 2 = quadratic, from a line through the logarithms (95 %):\n")
        parts.append(table(head, cells))
    return "\n".join(part for part in parts if part)


def speed_tables(speed):
    """Lay out the pairs of sparse and full, and say on what machine they were timed."""
    rows = [_pair_row(row) for row in speed["rows"]]
    head = ["bp", "batch", "sparse (s)", "full (s)", "full / sparse", "sparse, peak GB", "full, peak GB"]
    head += ["operations, full / sparse"]
    return " ".join(_notes(speed)) + "\n\n" + (table(head, rows) if rows else "")


def _pair_row(row):
    seconds = [f"{row[each]['seconds']:.3f}" for each in ("sparse", "full")]
    memory = [f"{row[each]['peak_bytes'] / 1e9:.2f}" for each in ("sparse", "full")]
    flops = f"{row['flops_ratio']:.0f} x" if "flops_ratio" in row else ""
    return [f"{row['length']:,}", row["batch_size"], *seconds, f"{row['speedup']:.1f} x", *memory, flops]


def _notes(speed):
    yield "Fresh models on random sequences, each in a process of its own; full attention is MLX's own fused one."
    blas = speed["blas"]
    threads = f" on {blas['threads']} threads" if blas.get("threads") else ""
    yield f"Device {speed['device']}, BLAS {blas.get('version') or blas['name']}{threads},"
    yield f"{speed['gemm_gflops']:g} GFLOP/s, MLX {speed['versions']['mlx']};"
    yield f"load of the machine before: {speed['load_before']:.1f}."
    for row in speed["rows"]:
        if row["batch_size"] < row["batch_wanted"]:
            yield f"At {row['length']:,} bp a batch of {row['batch_wanted']} needs more memory than there is for full"
            yield f"attention: both were timed at {row['batch_size']}."
    if not speed["headline"]:
        yield "**MLX used a reference BLAS: full attention was no fair rival, and these numbers settle no claim.**"
