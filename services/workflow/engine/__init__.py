"""Log → decide → log: one partition at a time, without I/O; the adapters carry the bytes."""
