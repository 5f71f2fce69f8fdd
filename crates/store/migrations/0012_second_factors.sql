-- secret: sealed with the server's key, which is not in the database. confirmed_at: none while it is being set up.
-- last_step: the newest time step whose code was used; no code of it or of an earlier one is taken again.
CREATE TABLE totp (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    code_sha256 TEXT NOT NULL,
    PRIMARY KEY (account_id, code_sha256)
);
