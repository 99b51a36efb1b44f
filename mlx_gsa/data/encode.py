"""ENCODE: find peak files by what was measured, and the regions of SCREEN's registry; both checked and cached."""

import hashlib
import json
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from mlx_gsa.data.atomic import atomic_write_bytes
from mlx_gsa.data.download import RemoteFile, fetch
from mlx_gsa.dna.files import open_lines
from mlx_gsa.errors import DownloadError, RegionError

ROOT = "https://www.encodeproject.org"
REGISTRY = "https://downloads.wenglab.org/Registry-V4/"
REGISTRIES = {"GRCh38": "GRCh38-cCREs.bed", "mm10": "mm10-cCREs.bed"}
CLASSES = ("PLS", "pELS", "dELS", "CA-H3K4me3", "CA-CTCF", "CA-TF", "CA", "TF")
ELS = ("pELS", "dELS")
_ACCESSION = re.compile(r"^ENCFF[0-9A-Z]{6}$")
FIELDS = (
    *("accession", "href", "file_format", "file_format_type", "output_type", "assembly", "md5sum", "file_size"),
    *("preferred_default", "status", "dataset", "date_created", "assay_title", "biosample_ontology.term_name"),
    "target.label",
)
# Most trusted first: peaks that replicates agree on go before those of one.
OUTPUTS = (
    "IDR thresholded peaks",
    "optimal IDR thresholded peaks",
    "conservative IDR thresholded peaks",
    "pseudoreplicated IDR thresholded peaks",
    "replicated peaks",
    "pseudoreplicated peaks",
    "stable peaks",
    "peaks",
)


@dataclass(frozen=True)
class EncodeFile:
    """One peak file of ENCODE.

    Attributes
    ----------
    accession : str
        ``ENCFF...``.
    href, assembly, output_type : str
    md5sum : str
        Of the file as it is downloaded (gzip).
    file_size : int
        Bytes.
    preferred : bool
        ENCODE's own choice among the files of one experiment.
    experiment, biosample, target, assay, created : str
        Empty where not stated.
    """

    accession: str
    href: str
    assembly: str
    output_type: str
    md5sum: str
    file_size: int
    preferred: bool
    experiment: str
    biosample: str
    target: str
    assay: str
    created: str

    @property
    def remote(self):
        """Return the file to fetch."""
        name = f"encode/{self.href.rsplit('/', 1)[-1]}"
        return RemoteFile(ROOT + self.href, name, f"md5:{self.md5sum}", self.file_size or None)

    @property
    def title(self):
        """Return what it is in one line."""
        words = (self.accession, self.output_type, self.target, self.biosample, self.assay, self.experiment)
        return ", ".join(word for word in words if word)


def peak_file(accession, **fetching):
    """Return what ENCODE says of a file.

    Parameters
    ----------
    accession : str
        ``ENCFF...``.
    **fetching
        Options of `fetch`.

    Returns
    -------
    EncodeFile

    Raises
    ------
    DownloadError
        There is no such file, or it is no narrowPeak or broadPeak BED.
    """
    if not _ACCESSION.match(accession):
        mend = "ENCSR... is an experiment: open its page, or search with --biosample and --target."
        raise DownloadError("no accession of a file", expected="ENCFF and six letters", found=accession, mend=mend)
    url = f"{ROOT}/files/{accession}/?{urlencode({'format': 'json'})}"
    try:
        found = _json(RemoteFile(url, f"encode/{accession}.json"), **fetching)
    except DownloadError as problem:
        if problem.status in (403, 404):
            raise DownloadError("ENCODE has no such public file", where=url, found=accession) from problem
        raise
    if found.get("file_format") != "bed" or found.get("file_format_type") not in ("narrowPeak", "broadPeak"):
        raise DownloadError(
            "not a file of peaks",
            where=accession,
            expected="bed narrowPeak or bed broadPeak",
            found=f"{found.get('file_format')} {found.get('file_format_type') or ''}".strip(),
            mend="Choose the accession of a bed narrowPeak file on the page of the experiment.",
        )
    return _file(found, url)


def search_url(biosample=None, target=None, assay=None, assembly="GRCh38"):
    """Return the address of a search for released narrowPeak files.

    Parameters
    ----------
    biosample, target, assay : str, optional
        As ENCODE names them: ``K562``, ``CTCF``, ``DNase-seq``.
    assembly : str

    Returns
    -------
    str
    """
    query = [("type", "File"), ("file_format", "bed"), ("file_format_type", "narrowPeak"), ("status", "released")]
    query += [("assembly", assembly)]
    asked = (("biosample_ontology.term_name", biosample), ("target.label", target), ("assay_title", assay))
    query += [(key, value) for key, value in asked if value]
    query += [("field", field) for field in FIELDS]
    return f"{ROOT}/search/?{urlencode([*query, ('limit', 'all'), ('format', 'json')])}"


def find_peaks(biosample=None, target=None, assay=None, assembly="GRCh38", **fetching):
    """Search ENCODE for peak files; the most trusted first.

    ENCODE's preferred files go first, then the kind of peaks as in `OUTPUTS`, then the newest. The answer is
    fetched anew each time and kept for ``offline``.

    Parameters
    ----------
    biosample, target, assay, assembly : str, optional
        See `search_url`.
    **fetching
        Options of `fetch`.

    Returns
    -------
    list of EncodeFile

    Raises
    ------
    DownloadError
        The search fails or finds nothing.
    """
    url = search_url(biosample, target, assay, assembly)
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    try:
        found = _json(RemoteFile(url, f"encode/search-{name}.json"), refresh=True, **fetching).get("@graph", [])
    except DownloadError as problem:
        if problem.status != 404:  # which is how ENCODE answers a search that finds nothing
            raise
        found = []
    files = [_file(each, url) for each in found if each.get("assembly") == assembly and each.get("href")]
    if not files:
        raise DownloadError(
            "ENCODE has no released narrowPeak file of this",
            where=url,
            found=", ".join(filter(None, (biosample, target, assay, assembly))),
            mend="Check the spelling on www.encodeproject.org: names and letter case count (K562, CTCF, TF ChIP-seq).",
        )
    return sorted(files, key=_trust, reverse=True)


def _trust(file):
    """Return a key that is larger for a file to be preferred."""
    rank = OUTPUTS.index(file.output_type) if file.output_type in OUTPUTS else len(OUTPUTS)
    return file.preferred, -rank, file.created, file.accession


def _json(remote, **fetching):
    """Fetch and read a JSON object."""
    path = fetch(remote, **fetching)
    try:
        content = json.loads(path.read_bytes())
    except ValueError as problem:
        path.unlink(missing_ok=True)
        raise DownloadError("the answer is not JSON", where=remote.url, found=str(problem)) from problem
    if not isinstance(content, dict):
        raise DownloadError("the answer is not of the form that is known", where=remote.url, expected="an object")
    return content


def _file(found, url):
    """Turn an answer's object into an `EncodeFile`; both a search and a file's own page give it."""
    missing = [key for key in ("accession", "href", "md5sum", "assembly") if not isinstance(found.get(key), str)]
    if missing:
        raise DownloadError("the answer lacks what is needed", where=url, expected=", ".join(missing))
    return EncodeFile(
        **{key: found[key] for key in ("accession", "href", "assembly", "md5sum")},
        output_type=str(found.get("output_type", "")),
        file_size=int(found.get("file_size") or 0),
        preferred=bool(found.get("preferred_default", False)),
        experiment=str(found.get("dataset", "")).strip("/").rsplit("/", 1)[-1],
        biosample=_inner(found, "biosample_ontology", "term_name"),
        target=_inner(found, "target", "label"),
        assay=str(found.get("assay_title", "")),
        created=str(found.get("date_created", "")),
    )


def _inner(found, name, key):
    """Return a text of an embedded object; empty where it is missing or only linked."""
    inner = found.get(name)
    return str(inner.get(key, "")) if isinstance(inner, dict) else ""


def registry(assembly="GRCh38"):
    """Return SCREEN's registry of candidate cis-regulatory elements as a file to fetch.

    Raises
    ------
    DownloadError
        There is none for the assembly.
    """
    if assembly not in REGISTRIES:
        raise DownloadError("SCREEN has no registry for it", expected=" or ".join(REGISTRIES), found=assembly)
    return RemoteFile(REGISTRY + REGISTRIES[assembly], f"screen/V4/{REGISTRIES[assembly]}")


def select_elements(path, classes, out):
    """Write the elements of some classes as BED of four columns: place and accession.

    Parameters
    ----------
    path : str or Path
        The registry: chrom, start, end, rDHS, accession, class; tab-separated.
    classes : iterable of str
        Of `CLASSES`; ``ELS`` is both kinds of enhancer-like ones.
    out : str or Path

    Returns
    -------
    int
        Elements written.

    Raises
    ------
    RegionError
        The file has another form, or has no element of the classes.
    """
    wanted = {name for each in classes for name in (ELS if each == "ELS" else (each,))}
    seen, lines = set(), []
    with open_lines(path, error=RegionError) as rows:
        for number, row in enumerate(rows, 1):
            fields = row.rstrip("\n").split("\t")
            if len(fields) < 6:
                expected = "chrom, start, end, rDHS, accession, class"
                where = f"{path}, line {number}"
                raise RegionError("no registry of SCREEN", where=where, expected=expected, found=row[:60].strip())
            kind = fields[5].split(",")[0]  # release 3 writes 'PLS,CTCF-bound'
            seen.add(kind)
            if kind in wanted:
                lines.append("\t".join((*fields[:3], fields[4])))
    if not lines:
        found = ", ".join(sorted(seen))
        raise RegionError("no element of these classes", where=str(path), expected=found, found=", ".join(classes))
    atomic_write_bytes(out, ("\n".join(lines) + "\n").encode())
    return len(lines)
