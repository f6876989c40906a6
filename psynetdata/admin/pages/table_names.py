"""What people call a table of PsyNet's."""

from psynetdata.models import TYPED_MODELS


def name_of(table: str) -> str:
    """Return the model's plural, like "trials" for `info`; an experimenter's own table keeps its name."""
    model = TYPED_MODELS.get(table)
    return str(model._meta.verbose_name_plural) if model else table
