"""The outside of workflow: the log, the worker that reads it, and the page operators look at."""
