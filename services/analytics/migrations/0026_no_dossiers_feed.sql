-- The old pieces are fed no more.
DROP VIEW IF EXISTS dossiers_feed;
