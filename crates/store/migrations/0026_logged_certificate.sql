-- A certificate for a host of a domain that Certificate Transparency knows of. id: SHA-256 of issuer and serial number, the same
-- for a certificate and its precertificate. pins: what fits it, as TYPE:DIGEST separated by spaces. is_of_before: 1 if it was
-- there when the domain was looked for first, and its issuer was a known one.
CREATE TABLE logged_certificate (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    domain TEXT NOT NULL,
    id TEXT NOT NULL,
    pins TEXT NOT NULL,
    issuer TEXT NOT NULL,
    source TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    is_of_before BIGINT NOT NULL,
    PRIMARY KEY (project_id, domain, id)
);
CREATE INDEX drift_by_vantage ON drift (vantage, due_at);
