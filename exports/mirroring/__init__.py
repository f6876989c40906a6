"""Mirror a snapshot in both faces, and count the numbers that pages show."""
