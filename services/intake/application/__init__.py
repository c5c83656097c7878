"""Use cases of the door: they tie the pure domain to the broker port, and know no HTTP."""
