-- One year of a seal's register with the dossiers' codes, by number; what has no number yet stands by the local year
-- of its stamp. The columns are those of StampRow, then the code.
SELECT
    seal, s.dossier_id AS dossier_id, stamp, agency, s.year AS year, s.number AS number,
    toUnixTimestamp64Micro(s.applied) AS applied_micros, toUnixTimestamp64Micro(s.drawn) AS drawn_micros,
    toUnixTimestamp64Micro(s.revoked) AS revoked_micros, s.fact_count AS fact_count, d.code AS code
FROM
(
    SELECT
        st.seal AS seal, st.dossier_id AS dossier_id, st.stamp AS stamp, max(st.agency) AS agency,
        max(st.year) AS year, max(st.number) AS number, max(st.applied_at) AS applied, max(st.drawn_at) AS drawn,
        max(st.revoked_at) AS revoked, sum(st.facts) AS fact_count
    FROM stamp_states AS st
    WHERE st.seal = %(seal)s
    GROUP BY st.seal, st.dossier_id, st.stamp
    HAVING year = %(year)s OR (year = 0 AND toYear(applied, 'Asia/Ho_Chi_Minh') = %(year)s)
) AS s
LEFT JOIN
(
    SELECT dossier_id, code
    FROM dossiers_now
    WHERE dossier_id IN (SELECT dossier_id FROM stamp_states WHERE seal = %(seal)s)
) AS d ON s.dossier_id = d.dossier_id
ORDER BY number = 0, number, applied_micros, dossier_id, stamp
