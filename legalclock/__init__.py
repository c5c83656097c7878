"""The legal clock: working calendars, terms, due dates, working time and how a dossier stands to them.

Pure: standard library only, no I/O beyond the time zone table, no wall clock, no framework. Everything
comes in as an argument, so the same question always gets the same answer.
"""
