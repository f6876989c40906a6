"""Kinds of assets: the asset classes of PsyNet 13.3 (psynet/asset.py, psynet/trial/record.py) and their parents."""

from .tables import class_name

# {class: its parent among assets}. Mixins (FunctionAssetMixin) hold no rows and are left out.
PARENTS = {
    "ManagedAsset": "Asset",
    "ExperimentAsset": "ManagedAsset",
    "CachedAsset": "ManagedAsset",
    "CachedFunctionAsset": "CachedAsset",
    "OnDemandAsset": "ExperimentAsset",
    "FastFunctionAsset": "OnDemandAsset",
    "ExternalAsset": "Asset",
    "ExternalS3Asset": "ExternalAsset",
    "Recording": "ExperimentAsset",
    "RecordingAnalysisPlot": "ExperimentAsset",
}

# The origin of a class and its subclasses; the nearest ancestor counts (OnDemandAsset is also an ExperimentAsset).
EXPERIMENT, CACHED, EXTERNAL, ON_DEMAND = "experiment", "cached", "external", "on demand"
_ORIGINS = {
    "ExperimentAsset": EXPERIMENT,
    "CachedAsset": CACHED,
    "ExternalAsset": EXTERNAL,
    "OnDemandAsset": ON_DEMAND,
}


def origin(row: dict[str, str | None]) -> str:
    """Return the origin of a row of `asset`: by its class if that is PsyNet's, otherwise by its columns."""
    known = _of_class(class_name("asset", row.get("type")))
    return known or _as_it_looks(row)


def is_address(text: str | None) -> bool:
    return "://" in (text or "")


def _of_class(name: str | None) -> str | None:
    while name is not None:
        if name in _ORIGINS:
            return _ORIGINS[name]
        name = PARENTS.get(name)
    return None


def _as_it_looks(row: dict[str, str | None]) -> str:
    """Return the origin by the row's columns.

    CachedAsset's host_path begins with `cached/`, ExternalAsset's is its URL, and OnDemandAsset has a secret.
    """
    path = row.get("host_path") or ""
    if path.startswith("cached/"):
        return CACHED
    if row.get("s3_key") or is_address(path) or (not path and is_address(row.get("url"))):
        return EXTERNAL
    if not path and (row.get("secret") or row.get("deposited") != "f"):
        return ON_DEMAND
    return EXPERIMENT
