"""Made-up dossiers that obey the law: from a profile of published figures to a history of commands.

Pure: no files, no wall clock, no network. The same profile, seed and scale give the same bytes.
"""
