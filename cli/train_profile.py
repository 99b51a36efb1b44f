"""What `gsa train --profile` shows."""

from mlx_gsa.cli.console import console, err_console, table


def show_profile(trainer) -> None:
    """Time the parts of a step and print them, before the training starts."""
    from mlx_gsa.training.profile import advise, profile_training

    with err_console.status("Timing the parts of a step"):
        profile = profile_training(trainer)
    whole = sum(part.total for part in profile.parts)
    rows = [
        (part.name, round(part.forward, 2), round(part.backward, 2) or None, f"{part.total / whole:.0%}")
        for part in profile.parts
    ]
    totals = [("sum of the parts", whole), ("a step, not split", profile.step)]
    totals += [(f"{part.name}, once an epoch", part.total) for part in profile.per_epoch]
    rows += [(name, round(spent, 2), None, None) for name, spent in totals]
    columns = ("part", "forward ms", "backward ms", "share")
    console.print(table("Where a step's time goes", columns, rows, _caption(profile)))
    for sentence in advise(profile):
        console.print(sentence, markup=False)


def _caption(profile):
    sequences, bases, kept = profile.batch
    memory = f"peak memory {profile.peak_memory / 2**20:,.0f} MB of MLX, {profile.peak_resident / 2**20:,.0f} MB in all"
    return (
        f"{sequences} sequences of {bases:,} bp, {kept} kept; {profile.steps_per_epoch} steps an epoch; {memory}. "
        "Parts are timed one by one and on one core; a step has more under way at once."
    )
