"""The pure part of analytics: no I/O, no clock, no framework."""
