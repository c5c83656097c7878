-- What is late and still open, the longest late first; the columns are those of LateRow.
SELECT
    dossier_id, code, procedure, agency, status, toUnixTimestamp64Micro(due), toUnixTimestamp64Micro(promised),
    at_agency, at_step, at_officer, toUnixTimestamp64Micro(held_since), toUnixTimestamp64Micro(step_due),
    dossier_late, step_late
FROM late_now
WHERE (%(every_agency)s OR has(%(agencies)s, agency) OR has(%(agencies)s, at_agency))
  AND (%(at_agency)s = '' OR at_agency = %(at_agency)s)
  AND (%(at_step)s = '' OR at_step = %(at_step)s)
ORDER BY late_since, dossier_id
LIMIT %(limit)s
