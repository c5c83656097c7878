"""What the door decides by itself, pure: no clock, no broker, no HTTP word.

Imports only ``contracts`` and msgspec. Time, ids and keys come in as arguments.
"""
