-- The same text runs on every supported database; {{bytes}} stands for the database's type of raw bytes.
-- Ids are TypeIDs, times are seconds since 1970 UTC, digests of secrets are lower-case hexadecimal.

CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_token (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    secret_sha256 TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    expires_at BIGINT
);

CREATE TABLE organization (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE membership (
    organization_id TEXT NOT NULL REFERENCES organization (id),
    account_id TEXT NOT NULL REFERENCES account (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, account_id)
);
CREATE INDEX membership_by_account ON membership (account_id);

CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    custody TEXT NOT NULL,
    public_key TEXT,
    recovery_key TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (organization_id, name, environment)
);

CREATE TABLE draft (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES project (id),
    revision BIGINT NOT NULL,
    refresh_secs BIGINT NOT NULL,
    on_stale TEXT NOT NULL,
    expires_after_secs BIGINT,
    deny TEXT NOT NULL
);

CREATE TABLE domain (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    enforce_percent BIGINT NOT NULL,
    trust TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE pin (
    id TEXT NOT NULL PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
    pin_type TEXT NOT NULL,
    digest TEXT NOT NULL,
    pin_match TEXT NOT NULL,
    expires_at BIGINT,
    label TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (domain_id, pin_type, digest, pin_match)
);

CREATE TABLE prepared_release (
    project_id TEXT NOT NULL REFERENCES project (id),
    version BIGINT NOT NULL,
    claims TEXT NOT NULL,
    prepared_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, version)
);

-- The files stand apart from their releases, so that a change of state does not rewrite them.
CREATE TABLE "release" (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    version BIGINT NOT NULL,
    claims_sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    accepted_by TEXT NOT NULL REFERENCES account (id),
    accepted_at BIGINT NOT NULL,
    live_at BIGINT,
    UNIQUE (project_id, version)
);

CREATE TABLE release_file (
    project_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    jws TEXT NOT NULL,
    PRIMARY KEY (project_id, version),
    FOREIGN KEY (project_id, version) REFERENCES "release" (project_id, version)
);

CREATE TABLE published_object (
    path TEXT NOT NULL PRIMARY KEY,
    body {{bytes}} NOT NULL,
    etag TEXT NOT NULL
);

CREATE TABLE job (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    project_id TEXT NOT NULL REFERENCES project (id),
    version BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    lease TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, project_id, version)
);
CREATE INDEX job_by_time ON job (run_at);
