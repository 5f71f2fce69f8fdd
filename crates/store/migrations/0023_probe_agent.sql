-- A program inside another network that reports what it sees there, signed with a key of its own. name: its vantage point.
-- last_seq, last_report_at: of the last report that was taken; a lower or equal number is a replay.
CREATE TABLE probe_agent (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    added_by TEXT NOT NULL REFERENCES account (id),
    added_at BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    last_report_at BIGINT,
    UNIQUE (organization_id, name),
    UNIQUE (organization_id, public_key)
);
