"""Workflow: the only judge. Commands in their one order become facts, outcomes and states."""
