-- The stamps that given seals put on one dossier, in their order; the columns are those of StampRow.
SELECT
    seal, dossier_id, stamp, max(agency), max(year), max(number), toUnixTimestamp64Micro(max(applied_at)),
    toUnixTimestamp64Micro(max(drawn_at)), toUnixTimestamp64Micro(max(revoked_at)), sum(facts)
FROM stamp_states
WHERE has(%(seals)s, seal) AND dossier_id = %(dossier_id)s
GROUP BY seal, dossier_id, stamp
ORDER BY stamp
