-- What accounts sign in with. An account of machines alone has neither address nor password.
-- address: as people see it, its domain as A-label in lower case; unique whatever its case (address_key).
CREATE TABLE account_email (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL UNIQUE,
    verified_at BIGINT NOT NULL
);

-- hash: Argon2id in PHC form.
CREATE TABLE account_password (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- network_tag: keyed digest of the network, with a key that is not in the database; says "the same one again", no more.
CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    secret_sha256 TEXT NOT NULL UNIQUE,
    method TEXT NOT NULL,
    client TEXT NOT NULL,
    network_tag TEXT,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_by_account ON session (account_id);

-- What waits for a secret to come back, once: links in mails, second steps of signing in. state: JSON.
CREATE TABLE one_time_secret (
    secret_sha256 TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    account_id TEXT REFERENCES account (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_secret_by_account ON one_time_secret (account_id);
CREATE INDEX one_time_secret_by_time ON one_time_secret (expires_at);

-- Outbox. It holds no link: a link is made when its mail is sent. A sent one stays a while, so that asking again and again
-- sends no second one.
CREATE TABLE mail (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    account_id TEXT REFERENCES account (id) ON DELETE CASCADE,
    attempts BIGINT NOT NULL,
    run_at BIGINT,
    lease TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX mail_by_address ON mail (address_key, kind);
CREATE INDEX mail_by_time ON mail (run_at);
