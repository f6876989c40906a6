"""Set where a deployment's asset files are, which secret opens that location, and which addresses may be asked."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from exports.sources import asset_urls
from exports.sources.ssh.host_keys import with_source
from psynetdata import credentials
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import UsageError

_LONGEST_EVERY = 7 * 24 * 60  # minutes
_LEAST_EVERY = 5


@dataclass(frozen=True)
class AssetLocationSettings:
    """The changes to make; a field that is None stays as it is.

    `password`, or one within `url`, is encrypted before it is stored; `secret_env` names an environment variable
    instead. `key`: a reference to a private key. `known_hosts`: lines of a known_hosts file; the source's own host is
    kept among them. `hosts`: in the form that asset_urls.hosts reads. `every`: minutes between fetches in the
    background, 5 or more; 0: only for exports. `experiment`: the experiment's own address. `experiment_login`, or the
    login within that address, is its user:password and is encrypted too; `experiment_env` names an environment
    variable instead.
    """

    url: str | None = None
    password: str | None = None
    secret_env: str | None = None
    key: str = ""
    known_hosts: str | None = None
    hosts: str | None = None
    every: int | None = None
    experiment: str | None = None
    experiment_login: str | None = None
    experiment_env: str | None = None

    def __post_init__(self):
        """Raise UsageError where a value is not valid."""
        asset_urls.check_assets_url(asset_urls.without_secret(self.url or "")[0])
        asset_urls.hosts(self.hosts or "")
        asset_urls.check_experiment_url(asset_urls.without_secret(self.experiment or "")[0])
        asset_urls.check_login(self.experiment_login or "")
        if self.every and not _LEAST_EVERY <= self.every <= _LONGEST_EVERY:
            raise UsageError(
                f"Asset files can be fetched every {_LEAST_EVERY} to {_LONGEST_EVERY} minutes (a week), "
                f"not every {self.every}; 0 means only when an export needs them."
            )


def key_for(url: str | None, key: str) -> str:
    """Return the reference to a source's private key if it opens this location too: an SFTP server without a password.

    "" if it does not.
    """
    plain, password = asset_urls.without_secret(url or "")
    return key if plain.startswith("sftp://") and not password else ""


def put(deployment: Deployment, place: AssetLocationSettings) -> list[str]:
    """Set the fields of a row that the caller then saves. Return the names of the fields that changed."""
    url, within = _parted(place.url)
    moved = url not in (None, deployment.assets_url)
    experiment, login = _parted(place.experiment)
    new = {
        "assets_url": url,
        "assets_known_hosts": _known_hosts(deployment, place),
        "assets_hosts": place.hosts,
        "assets_every": place.every,
        "experiment_url": experiment,
        "assets_secret": place.key
        or _reference(f"assets {deployment.number}", place.password or within, place.secret_env, moved=moved)
        or (_source_key(deployment, url) if moved else None),
        "experiment_secret": _reference(
            f"experiment {deployment.number}", place.experiment_login or login, place.experiment_env,
            moved=experiment not in (None, deployment.experiment_url),
        ),
    }  # fmt: skip
    wanted = {
        name: value or (None if name == "assets_every" else "") for name, value in new.items() if value is not None
    }
    changed = [name for name, value in wanted.items() if value != getattr(deployment, name)]
    for name in changed:
        setattr(deployment, name, wanted[name])
    return changed


def _parted(url: str | None) -> tuple[str | None, str | None]:
    return (None, None) if url is None else asset_urls.without_secret(url)


def _reference(name: str, secret: str | None, variable: str | None, *, moved: bool) -> str | None:
    """Return a reference to the secret; None keeps the old one. It must not be sent to a new location."""
    if variable:
        credentials.reveal(f"env:{variable}")
        return f"env:{variable}"
    if secret:
        return credentials.keep(name, secret)
    return "" if moved else None


def _source_key(deployment: Deployment, url: str | None) -> str:
    """Return the reference to the source's private key if its server also has the assets; otherwise ""."""
    same = urlsplit(url or "").hostname == urlsplit(deployment.source_url).hostname
    return key_for(url, deployment.source_key) if same else ""


def _known_hosts(deployment: Deployment, place: AssetLocationSettings) -> str | None:
    if place.known_hosts is None or deployment.source != Deployment.Source.SSH:
        return place.known_hosts
    return with_source(place.known_hosts, deployment.assets_known_hosts, deployment.source_url)


def set_asset_location(deployment: Deployment, place: AssetLocationSettings, *, user=None) -> list[str]:
    """Save the changes and record them. Return the names of the changed fields. No password in a URL is passed on."""
    changed = put(deployment, place)
    if changed:
        deployment.save(update_fields=changed)
        details = {"target": deployment.deployment_id, "fields": sorted(changed)}
        Audit.record("change", user=user, deployment=deployment, **details)
    return changed
