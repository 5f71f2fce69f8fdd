-- A draft's logs, and what its domains ask of them. domain.ct_logs: ids in base64 separated by spaces; none: all logs.
CREATE TABLE ct_log (
    project_id TEXT NOT NULL REFERENCES project (id),
    log_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    operator TEXT NOT NULL,
    name TEXT NOT NULL,
    usable_until BIGINT,
    PRIMARY KEY (project_id, log_id)
);

ALTER TABLE draft ADD COLUMN ct_logs_as_of BIGINT;
ALTER TABLE domain ADD COLUMN ct_policy TEXT NOT NULL DEFAULT 'off';
ALTER TABLE domain ADD COLUMN ct_min BIGINT NOT NULL DEFAULT 2;
ALTER TABLE domain ADD COLUMN ct_logs TEXT;
