"""The outside world of intake: the Kafka client and the wall clock."""
