"""Job handlers for work on the storage as a whole."""

from exports.operations import encryption
from psynetdata import jobs


@jobs.handler(encryption.KIND, cluster=jobs.SLOW)
def encrypt_job(running: jobs.Running) -> dict:
    """Encrypt all files with the newest key. Result: files, those that it encrypted, and checked, all of them."""
    return encryption.encrypt(running)
