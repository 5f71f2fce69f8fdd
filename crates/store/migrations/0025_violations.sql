-- What apps reported: sums by day, entry, code and release. No end user is in it, and no address.
CREATE TABLE violation_count (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    -- First second of the day, since 1970 UTC.
    day BIGINT NOT NULL,
    -- Entry as the configuration spells it; empty: none decided.
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    -- 0: no release.
    version BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    reported BIGINT NOT NULL,
    reports BIGINT NOT NULL,
    PRIMARY KEY (project_id, day, domain, code, version)
);
