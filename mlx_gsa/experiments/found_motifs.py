"""Numbers of claims that come from `gsa motifs` and `gsa audit`: enrichment, novel motifs, spacing, checks."""

from mlx_gsa.experiments.findings import Finding, NotFound, split_place
from mlx_gsa.experiments.page.text import plain, small

CONTROLS = ("matched", "shuffled", "untrained")


def enrichment(results, where, variant):
    """Smallest q of a motif against all three controls (the largest of the three), with its effect size."""
    for data, found, source in _files(results, where, variant, "motifs", "gsa motifs"):
        tested = [family for family in found["families"] if family["best"].get("q") is not None]
        if not tested:
            yield data, NotFound("no motif had sites in enough records")
            continue
        best = min(tested, key=lambda family: family["best"]["q"])["best"]
        effects = ", ".join(f"{plain(best[name]['enrichment'], 1)} x {name}" for name in CONTROLS)
        number = found["enriched_families"]
        text = f"q = {small(best['q'])}, {best['name']} in {best['cut']}: {effects}"
        beside = f"{number} enriched famil{'y' if number == 1 else 'ies'} of {found['manifest']['n_tested']:,} matrices"
        yield data, Finding(best["q"], None, None, text, beside, source)


def novel(results, where, variant):
    """Number of motifs that match no database and are enriched on the test records."""
    for data, found, source in _files(results, where, variant, "novel", "gsa motifs"):
        count = found["n_novel"]
        names = ", ".join(each["consensus"] for each in found["motifs"] if each["novel"])
        beside = f"{len(found['motifs'])} discovered, {found['test_records']:,} test records"
        yield data, Finding(count, None, None, f"{count}: {names}" if count else "none", beside, source)


def found_again(results, where, variant):
    """How well a motif that was left out of the database is found again; the lowest, where several were."""
    for data, found, source in _files(results, where, variant, "left_out", "gsa motifs --leave-out"):
        again = found["found_again"]
        values = {name: each["full"] if each else 0.0 for name, each in again.items()}
        if not values:
            yield data, NotFound("no motif was left out")
            continue
        name = min(values, key=values.get)
        what = f", as {again[name]['consensus']}" if again[name] and again[name].get("consensus") else ""
        yield data, Finding(values[name], None, None, f"{values[name]:.3f}, {name}{what}", "", source)


def spacing(results, where, variant):
    """Smallest q of a preferred distance between two motifs whose sites are both kept, with that distance."""
    for data, found, source in _files(results, where, variant, "spacing", "gsa motifs --spacing"):
        peaks = [(pair, peak) for pair in found["pairs"] for peak in pair["peaks"]]
        if not peaks:
            tested = sum(pair["tested"] for pair in found["pairs"])
            none = Finding(1.0, None, None, f"no distance beyond the null in {tested} pairs tested", "", source)
            yield data, none if tested else NotFound("no pair of motifs had enough kept sites")
            continue
        pair, peak = min(peaks, key=lambda each: each[1]["q"])
        names = f"{pair['first']['name']} and {pair['second']['name']}"
        text = f"q = {small(peak['q'])}: {names}, {peak['gap_low']:.0f} to {peak['gap_high']:.0f} bp between the sites"
        yield data, Finding(peak["q"], None, None, text, f"{peak['enrichment']:.1f} x the null", source)


def audit(results, where, variant, check):
    """Whether a check of the audit passed: 1, or 0."""
    for data, found, source in _files(results, where, variant, "audit", "gsa audit"):
        one = next((each for each in found["checks"] if each["name"] == check), None)
        if one is None:
            yield data, NotFound(f"the audit has no check {check}")
        elif one["verdict"] == "not tested":
            yield data, NotFound(one["why"])
        else:
            yield data, Finding(float(one["verdict"] == "pass"), None, None, one["why"], one["verdict"], source)


def _files(results, where, variant, name, command):
    """Yield (data set, what its first run that has it found, source) of one data set, or of all of a sweep."""
    sweep, data = split_place(where)
    names = [data] if data else results.data_names(sweep)
    if not names:
        raise NotFound(f"the sweep {sweep} was not run")
    having = {each: [run for run in results.runs(sweep, each, variant) if run.get(name)] for each in names}
    if not any(having.values()):
        raise NotFound(f"`{command}` was not run on {where}, {variant}")
    for each, runs in having.items():
        if runs:
            yield each, runs[0][name], f"{sweep}/{each}.json"


FINDINGS = {"enrichment": enrichment, "novel": novel, "spacing": spacing, "found_again": found_again, "audit": audit}
