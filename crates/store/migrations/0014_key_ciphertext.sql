-- The encrypted signing key that a project has its server keep: PKCS#8 in PEM under a password that never comes here.
-- project.custody: external, kms, browser_password or browser_passkey from now on; programs of before know only the first.
CREATE TABLE key_ciphertext (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES project (id),
    kid TEXT NOT NULL,
    pem TEXT NOT NULL,
    stored_by TEXT NOT NULL REFERENCES account (id),
    stored_at BIGINT NOT NULL
);
