-- Every rating of an inserted block.
CREATE MATERIALIZED VIEW IF NOT EXISTS ratings_feed TO ratings AS
SELECT
    toDate(f.at, 'Asia/Ho_Chi_Minh') AS rated_on,
    f.agency AS agency,
    f.procedure AS procedure,
    f.channel AS channel,
    f.score AS score,
    f.log_partition AS log_partition,
    toInt64(count()) AS ratings
FROM facts AS f
WHERE f.type = 'DossierRated'
GROUP BY rated_on, agency, procedure, channel, score, log_partition;
