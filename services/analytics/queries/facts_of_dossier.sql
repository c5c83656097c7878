-- The history of one dossier; the columns are those of FactRow.
SELECT
    log_partition, log_offset, cause_offset, cause_n, dossier_id, seq, toUnixTimestamp64Micro(at) AS at_micros, type,
    agency, procedure, procedure_version, channel, status, overdue, toUnixTimestamp64Micro(due) AS due_micros,
    bucket, step, outcome, reason, score, dossier_code, toUnixTimestamp64Micro(received_at) AS received_micros,
    actor, command_id, fingerprint, body, mapping, in_hand, holder_agency, holder_officer, handed, step_clock,
    toUnixTimestamp64Micro(step_due) AS step_due_micros, place, by_original, seal, stamp, stamped_dossier, year, number
FROM facts
WHERE dossier_id = %(dossier_id)s
  AND type != 'NumberDrawn'
ORDER BY seq, log_offset
