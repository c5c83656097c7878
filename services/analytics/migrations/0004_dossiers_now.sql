-- The merged states, one row a dossier: what every query reads.
CREATE VIEW IF NOT EXISTS dossiers_now AS
SELECT
    log_partition,
    dossier_id,
    max(d.last_seq) AS seq,
    sum(d.facts) AS fact_count,
    argMaxMerge(d.latest) AS state,
    state.status AS status,
    state.overdue AS overdue,
    state.due AS due,
    state.agency AS agency,
    state.procedure AS procedure,
    state.procedure_version AS procedure_version,
    state.channel AS channel,
    state.at AS last_at,
    argMaxMerge(d.bucket) AS bucket_now,
    max(d.dossier_code) AS code,
    max(d.registered_on) AS registered_day,
    max(d.registered_at) AS registered_time,
    max(d.accepted_at) AS accepted_time,
    max(d.received_at) AS received_time,
    max(d.finished_at) AS finished_time,
    max(d.score) AS rating
FROM dossiers AS d
GROUP BY log_partition, dossier_id;
