-- What a token may reach at most: one organization, or one project of it. A revoked token stays, so that its use is noticed.
ALTER TABLE api_token ADD COLUMN organization_id TEXT REFERENCES organization (id);
ALTER TABLE api_token ADD COLUMN project_id TEXT REFERENCES project (id);
ALTER TABLE api_token ADD COLUMN revoked_at BIGINT;
CREATE INDEX api_token_by_account ON api_token (account_id);
CREATE INDEX api_token_by_organization ON api_token (organization_id);

-- Whoever shows the secret becomes a member. The row goes when it is accepted, revoked, or long expired.
CREATE TABLE invitation (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id),
    role TEXT NOT NULL,
    email TEXT,
    prefix TEXT NOT NULL UNIQUE,
    secret_sha256 TEXT NOT NULL,
    invited_by TEXT NOT NULL REFERENCES account (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitation_by_organization ON invitation (organization_id);

-- Where a chain begins after its oldest events were removed: place and hash of the last one removed.
CREATE TABLE audit_checkpoint (
    chain TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_event_by_target ON audit_event (target_id);
