-- Every inserted block of facts as pieces of stamps.
CREATE MATERIALIZED VIEW IF NOT EXISTS stamp_states_feed TO stamp_states AS
SELECT
    toString(f.seal) AS seal,
    toFixedString(if(f.type = 'NumberDrawn', f.stamped_dossier, toString(f.dossier_id)), 32) AS dossier_id,
    f.stamp AS stamp,
    f.log_partition AS log_partition,
    max(if(f.type = 'NumberDrawn', toString(f.agency), '')) AS agency,
    max(f.year) AS year,
    max(f.number) AS number,
    max(if(f.type = 'StampApplied', f.at, toDateTime64(0, 6, 'UTC'))) AS applied_at,
    max(if(f.type = 'NumberDrawn', f.at, toDateTime64(0, 6, 'UTC'))) AS drawn_at,
    max(if(f.type = 'StampRevoked', f.at, toDateTime64(0, 6, 'UTC'))) AS revoked_at,
    count() AS facts
FROM facts AS f
WHERE f.type IN ('StampApplied', 'StampRevoked', 'NumberDrawn')
GROUP BY seal, dossier_id, stamp, log_partition;
