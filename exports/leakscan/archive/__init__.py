"""Everything in an archive: members within members, names, and the bytes between them."""
