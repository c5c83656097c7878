"""One dossier's day, walked over HTTP for somebody who sees Motcua for the first time."""
