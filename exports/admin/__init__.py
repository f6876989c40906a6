"""The admin of what comes in and what goes out; it extends psynetdata's pages."""

from . import asset, deployment, export, incident, participant, snapshot, withdrawal  # noqa: F401  each registers its model
