"""`gsa info`: the machine, and what would make it faster."""

import json

import click

from mlx_gsa.cli.console import console, facts


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for instance for a bug report.")
def command(as_json):
    """Show device, BLAS, memory and versions, and what would make them faster."""
    from mlx_gsa.runtime import runtime_report

    report = runtime_report()
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
        return
    console.print(facts("This machine", _machine_rows(report)))
    console.print(facts("Versions", report.versions.items()))
    for line in report.advice:
        console.print(f"→ {line}", markup=False)
    if not report.advice:
        console.print("Nothing is known that would make this machine faster.")


def _machine_rows(report):
    blas, machine = report.blas, report.machine
    threads = f", {blas.threads} threads" if blas.threads else ""
    where = f"\n{blas.path}" if blas.path else ""
    available = f", {_gigabytes(report.memory_available)} available" if report.memory_available else ""
    return [
        ("Device", report.device),
        ("BLAS", f"{blas.version or blas.name} ({blas.status}{threads}){where}"),
        ("Matrix product", f"{report.gemm_gflops:,.0f} GFLOP/s (float32, measured now)"),
        ("Processor", f"{machine['processor']}, {machine['cores']} cores"),
        ("Memory", f"{_gigabytes(machine['memory_total'])}{available}"),
        ("Platform", machine["platform"]),
    ]


def _gigabytes(size):
    return f"{size / 2**30:.1f} GiB"
