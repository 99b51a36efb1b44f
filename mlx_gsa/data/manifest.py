"""The manifest of a data set folder: what it holds, where it came from, and how to see that it is whole."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlx_gsa.errors import DatasetError

FORMAT = "mlx_gsa.dataset"
FORMAT_VERSION = 1
FILE, LEAKAGE = "manifest.json", "leakage.json"
Task = Literal["regression", "binary", "multiclass"]


class Part(BaseModel):
    """One file of the folder: its sha256 and its size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """Everything about a data set but sequences, records and sites; ``manifest["seed"]`` works too.

    Attributes
    ----------
    task, classes
        What the labels are; `classes` names the numbers of a classification.
    outputs
        Names of the labels where a record has several: the first is the column ``label``, each other one the
        column ``label:NAME``. None: one label.
    n_records, n_bases
        Sequences, and bp in all of them.
    seed
        The seed of splits and of synthetic sequences.
    source
        Where the data came from, as its source wrote it.
    dropped
        Records left out, by reason.
    normalised
        Letters, coordinates or names that were read differently from how they were written.
    duplicates
        Records with the sequence of an earlier one (either strand): how many, how many of them in another
        split, how many with another label.
    columns
        Type of each extra column of the records.
    parts
        sha256 and size of every file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["mlx_gsa.dataset"] = FORMAT
    format_version: int = FORMAT_VERSION
    created: str
    written_by: str
    task: Task
    classes: list[str] | None = None
    outputs: list[str] | None = None
    n_records: int
    n_bases: int
    splits: dict[str, int]
    seed: int | None = None
    source: dict[str, Any] = Field(default_factory=dict)
    dropped: dict[str, int] = Field(default_factory=dict)
    normalised: dict[str, int] = Field(default_factory=dict)
    duplicates: dict[str, int] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    parts: dict[str, Part]

    def __getitem__(self, key):
        return getattr(self, key)

    @property
    def data_hash(self):
        """Return one sha256 for the data: over names and hashes of the parts, not over dates, source or reports."""
        parts = sorted((name, part) for name, part in self.parts.items() if name != LEAKAGE)
        lines = "".join(f"{name} {part.sha256}\n" for name, part in parts)
        return hashlib.sha256(lines.encode()).hexdigest()


def read_manifest(folder):
    """Read and check the manifest of a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Manifest

    Raises
    ------
    DatasetError
        No folder, no manifest, a manifest of something else, of a newer format, or damaged.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise DatasetError(
            "no data set folder",
            where=str(folder),
            found=found,
            mend="Make one with `gsa prepare`, or give its folder.",
        )
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DatasetError(
            "not a gsa data set",
            where=str(folder),
            expected=f"a readable {FILE}",
            found="none" if isinstance(problem, FileNotFoundError) else str(problem),
            mend="Make a data set with `gsa prepare`.",
        ) from problem
    return _parse(text, folder)


def _parse(text, folder):
    """Parse manifest text; say whether it is damaged, foreign or newer."""
    again = "Prepare the data set again with `gsa prepare`."
    try:
        content = json.loads(text)
    except ValueError as problem:
        raise DatasetError("damaged manifest", where=str(folder / FILE), found=str(problem), mend=again) from problem
    form = content.get("format") if isinstance(content, dict) else None
    if form != FORMAT:
        raise DatasetError(
            "not a gsa data set",
            where=str(folder),
            expected=f"format {FORMAT}",
            found=f"format {form}",
            mend="Give a folder that `gsa prepare` made.",
        )
    version = content.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise DatasetError(
            "data set of a newer format",
            where=str(folder),
            expected=f"version {FORMAT_VERSION}",
            found=f"version {version}",
            mend="Update mlx_gsa, or prepare the data set again.",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DatasetError(
            "damaged manifest", where=f"{folder / FILE}, {place}", found=first["msg"], mend=again
        ) from problem


def check_parts(folder, parts, verify):
    """Check that every part is there and whole.

    Parameters
    ----------
    folder : Path
    parts : dict of str to Part
    verify : bool
        Also read every part and compare its sha256.

    Raises
    ------
    DatasetError
        A part is missing, has another size or another content.
    """
    again = "Prepare the data set again with `gsa prepare`, or copy the folder again."
    for name, part in parts.items():
        path = Path(folder) / name
        if Path(name).name != name or not path.is_file():
            raise DatasetError("damaged data set: a part is missing", where=str(path), mend=again)
        size = path.stat().st_size
        if size != part.bytes:
            raise DatasetError(
                "damaged data set: a part has the wrong size",
                where=str(path),
                expected=f"{part.bytes:,} bytes",
                found=f"{size:,} bytes",
                mend=again,
            )
        if verify and file_sha256(path) != part.sha256:
            raise DatasetError(
                "damaged data set: a part was changed",
                where=str(path),
                expected="the sha256 in the manifest",
                found="another",
                mend=again,
            )


def file_sha256(path):
    """Return the sha256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
