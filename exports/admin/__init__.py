"""The admin of snapshots, exports and related records; it extends psynetdata's pages."""

from .asset import asset_admin  # noqa: F401  each registers its model
from .deployment import deployment_admin  # noqa: F401  each registers its model
from .export import export_admin  # noqa: F401  each registers its model
from .participant import participant_admin, withdrawal_admin  # noqa: F401  each registers its model
from .snapshot import snapshot_admin  # noqa: F401  each registers its model
from .watch import incident_admin  # noqa: F401  each registers its model
