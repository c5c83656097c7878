"""The sink: facts from the log into the warehouse, each exactly once, whatever dies in between."""
