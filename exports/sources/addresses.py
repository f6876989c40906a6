"""Where the database of a deployment's source is, its password included; for no longer than it takes to connect."""

from psynetdata import credentials
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict

from .postgres import Address, parse


def of(deployment: Deployment) -> Address:
    """Raises a Problem that names the reference where the password is not to be had."""
    if deployment.source != Deployment.Source.LOCAL:
        raise Conflict(f"Snapshots of a source of kind {deployment.source} cannot be taken yet.")
    return parse(deployment.source_url).with_password(credentials.reveal(deployment.source_secret))
