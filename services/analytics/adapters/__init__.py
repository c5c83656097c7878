"""Where analytics touches the world: Kafka, ClickHouse, the wall clock."""
