"""The results of one scale, docs/results/SCALE, as the page, the figures and the claims read them."""

from pathlib import Path

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.record import read_json

FORMAT, FORMAT_VERSION = "mlx_gsa.results", 1


class Results:
    """What was gathered of one scale.

    Parameters
    ----------
    folder : Path
        With results.json, SWEEP/sweep.json, SWEEP/comparison.json, SWEEP/DATA.json, speed.json, example.json; all but
        the first may be missing.

    Raises
    ------
    ResultsError
        If there is no results.json, or it is of another format.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.facts = read_json(self.folder / "results.json")
        if self.facts is None:
            raise ResultsError("no results", where=str(folder), mend="`gsa reproduce --scale NAME` makes them.")
        version = (self.facts.get("format"), self.facts.get("format_version"))
        if version != (FORMAT, FORMAT_VERSION):
            raise ResultsError("results of another format", where=str(folder), found=str(version))
        self._read = {}

    @property
    def sweeps(self) -> list[str]:
        """Names of the sweeps of this scale, gathered or not, in their order."""
        return list(self.facts["scale"]["sweeps"])

    def file(self, name):
        """Read one of the files, once; None where it is missing."""
        if name not in self._read:
            self._read[name] = read_json(self.folder / name)
        return self._read[name]

    def sweep(self, name):
        """Give what is known of a sweep: spec, cells; None where it was not gathered."""
        return self.file(f"{name}/sweep.json")

    def data(self, sweep, data):
        """Give a data set's facts and runs; None where none was gathered."""
        return self.file(f"{sweep}/{data}.json")

    def comparison(self, sweep, data):
        """Give the comparison of the models of one data set; None where there is none."""
        found = self.file(f"{sweep}/comparison.json")
        return found and found["datasets"].get(data)

    def data_names(self, sweep):
        """Name the data sets of a sweep, in its order."""
        found = self.sweep(sweep)
        return list(dict.fromkeys(cell["data"] for cell in found["cells"])) if found else []

    def runs(self, sweep, data, variant=None):
        """Give the finished runs of a data set, of one variant or of all."""
        found = self.data(sweep, data)
        return [run for run in (found["runs"] if found else []) if variant in (None, run["variant"])]

    def title(self, sweep, data):
        """Give the title of a data set, as its sweep states it, or its name."""
        found = self.sweep(sweep)
        specs = found["spec"].get("data") or () if found else ()
        titles = [each["title"] for each in specs if each["name"] == data and each.get("title")]
        return titles[0] if titles else data.replace("_", " ")
