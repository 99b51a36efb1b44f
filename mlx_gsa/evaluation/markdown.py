"""What every page that is written needs: a table, and the machine in one line."""


def table(head, rows):
    """Lay out a Markdown table."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [head, ["---"] * len(head), *rows]]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def machine_line(machine, versions):
    """Name the machine and the versions of a result in one line."""
    facts = [f"{machine[key]}" for key in ("platform", "processor", "device", "blas") if machine.get(key)]
    if machine.get("cores"):
        facts.append(f"{machine['cores']} cores")
    if machine.get("memory_total"):
        facts[-1] += f", {machine['memory_total'] / 2**30:.0f} GiB"
    return f"{'; '.join(facts)}. " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
