"""The parts of `motcua replay`: reading a history, sending it through the door, waiting, reporting, chaos."""
