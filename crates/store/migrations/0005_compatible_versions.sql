-- Programs that know schema version compatible_from, or a later one, may work with the database beside newer ones;
-- where it is not said, only those that know this version.
ALTER TABLE schema_migration ADD COLUMN compatible_from BIGINT;
