-- The engine and settings of each table that takes inserts, and the engine of each feed.
SELECT name, if(engine = 'MaterializedView', engine, engine_full)
FROM system.tables
WHERE database = currentDatabase() AND has(%(tables)s, name)
ORDER BY name
