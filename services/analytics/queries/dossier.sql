-- One dossier as it is now; the columns are those of DossierRow.
SELECT
    dossier_id, seq, fact_count, status, overdue, toUnixTimestamp64Micro(due) AS due_micros, agency, procedure,
    procedure_version, channel, toUnixTimestamp64Micro(last_at), bucket_now, code, registered_day,
    toUnixTimestamp64Micro(registered_time), toUnixTimestamp64Micro(accepted_time),
    toUnixTimestamp64Micro(received_time), toUnixTimestamp64Micro(finished_time), rating
FROM dossiers_now
WHERE dossier_id = %(dossier_id)s
