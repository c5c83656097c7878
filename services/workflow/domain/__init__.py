"""The pure core: what a dossier is, what may be done to it, and what follows from doing it."""
