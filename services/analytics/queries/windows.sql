-- The engine and settings of each table that takes inserts.
SELECT name, engine_full
FROM system.tables
WHERE database = currentDatabase() AND has(%(tables)s, name)
ORDER BY name
