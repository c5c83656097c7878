-- A random sample that anybody can draw again: in the order of SHA-256 of the seed, a colon and the dossier's id,
-- with the number of dossiers it was drawn from.
SELECT
    dossier_id, code, agency, procedure, channel, status, bucket_now, toUnixTimestamp64Micro(registered_time),
    toUnixTimestamp64Micro(due), count() OVER ()
FROM dossiers_now
WHERE registered_day BETWEEN toDate(%(first)s) AND toDate(%(last)s)
  AND (%(every_agency)s OR has(%(agencies)s, agency))
  AND (%(agency)s = '' OR agency = %(agency)s)
ORDER BY SHA256(concat(%(seed)s, ':', toString(dossier_id)))
LIMIT %(limit)s
