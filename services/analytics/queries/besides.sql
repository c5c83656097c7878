-- Tables that stand beside those in use.
SELECT name
FROM system.tables
WHERE database = currentDatabase() AND match(name, %(pattern)s)
