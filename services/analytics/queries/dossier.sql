-- One dossier as it is now; the columns are those of DossierRow.
SELECT
    dossier_id, seq, fact_count, status, overdue, toUnixTimestamp64Micro(due) AS due_micros, agency, procedure,
    procedure_version, channel, toUnixTimestamp64Micro(last_at), bucket_now, code, registered_day,
    toUnixTimestamp64Micro(registered_time), toUnixTimestamp64Micro(accepted_time),
    toUnixTimestamp64Micro(received_time), toUnixTimestamp64Micro(finished_time), rating,
    toUnixTimestamp64Micro(promised), hand_step, hand_agency, hand_officer, toUnixTimestamp64Micro(held_since),
    run_state, toUnixTimestamp64Micro(run_due), receive_last, appraise_last, approve_last, stamp_last, return_last,
    declined_last, late_by_original_last, all_on_site
FROM dossiers_now
WHERE dossier_id = %(dossier_id)s
