"""A local folder as storage in which nothing half-written can be seen (law 2)."""

import os
import uuid

from django.core.files.storage import FileSystemStorage


class AtomicFileSystemStorage(FileSystemStorage):
    """FileSystemStorage that writes under a temporary name and renames when the last byte is on disk.

    Same name, same place: an existing file is replaced, never renamed aside, because names
    here are content hashes or ids.
    """

    def get_available_name(self, name, max_length=None):
        return name

    def _save(self, name, content):
        temporary = f"{name}.{uuid.uuid4().hex}.part"
        try:
            super()._save(temporary, content)
            with open(self.path(temporary), "rb") as file:
                os.fsync(file.fileno())
            os.replace(self.path(temporary), self.path(name))
        except BaseException:  # a full disk, but also a Ctrl-C or a timeout in the middle
            self.delete(temporary)
            raise
        return name
