"""The shared language of the services: topics, message types, codes, identities and roles.

Pure data and pure functions. It imports none of the services, performs no I/O beyond reading the
data files that ship inside this package, and knows no clock.
"""
