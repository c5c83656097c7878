-- All stamps as far as the rows of one partition make them; the columns are those of StampRow.
SELECT
    seal, dossier_id, stamp, max(agency), max(year), max(number), toUnixTimestamp64Micro(max(applied_at)),
    toUnixTimestamp64Micro(max(drawn_at)), toUnixTimestamp64Micro(max(revoked_at)), sum(facts)
FROM stamp_states
WHERE log_partition = %(partition)s
GROUP BY seal, dossier_id, stamp
