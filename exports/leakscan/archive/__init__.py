"""Everything that an archive holds: members within members, names, and the bytes between them."""
