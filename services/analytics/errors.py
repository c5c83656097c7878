"""What can go wrong in analytics; the class says what happens next.

* RetryLaterError: a broker or a warehouse is away or slow. The same step is tried again.
* RefusedError: going on would make figures wrong. The process stops with `exit_code` and says why; a restart
  alone does not help, except for `FencedError`.
"""

from __future__ import annotations


class AnalyticsError(Exception):
    """Root of all errors of this service."""


class RetryLaterError(AnalyticsError):
    """Try the same thing again after a while."""


class UnfilledError(RetryLaterError):
    """No start has found the tables right yet, or they are not made: what they say may be nothing."""


class RefusedError(AnalyticsError):
    """Stop: going on could lose or double rows."""

    exit_code = 70


class TopicRecreatedError(RefusedError):
    """The facts topic is another one than the position was reached in."""

    exit_code = 71


class FencedError(RefusedError):
    """A newer writer has taken the lane over."""

    exit_code = 72


class TooMuchPoisonError(RefusedError):
    """More than the set share of the recent records cannot be decoded."""

    exit_code = 73


class WarehouseMismatchError(RefusedError):
    """The warehouse does not hold what the lane's position says it holds."""

    exit_code = 74


class LogTruncatedError(RefusedError):
    """Facts that are not yet inserted are gone from the log."""

    exit_code = 75


class WarehouseRejectedError(RefusedError):
    """The warehouse answered with an error that repeating does not cure."""

    exit_code = 76


class UnknownTableError(WarehouseRejectedError):
    """A table is not there."""


class OtherLanesError(RefusedError):
    """The intents topic speaks of this lane's partitions as another lane's: they were divided otherwise."""

    exit_code = 77


class StopRequestedError(AnalyticsError):
    """The process was asked to stop while a step was waiting for its next try."""
