"""A second copy of the storage at another place (STORAGE_MIRROR_URL), byte by byte and under the stored names.

It follows the storage in a job of its own. A file is deleted there only if something decided so: what vanishes from the
storage in any other way stays in the copy, and is put back from it.
"""

from .deletions import note_deletions, note_released
from .place import WrongCopy, if_available, opened

__all__ = ["WrongCopy", "if_available", "note_deletions", "note_released", "opened"]
