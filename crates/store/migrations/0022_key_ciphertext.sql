-- The encrypted signing key that a project has its server keep: PKCS#8 in PEM under a password that never comes here. A
-- passkey makes that password out of a salt; one opens it, or people remember it.
-- project.custody: external, kms, browser_password or browser_passkey from now on; programs of before know only the first.
CREATE TABLE key_ciphertext (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES project (id),
    kid TEXT NOT NULL,
    pem TEXT NOT NULL,
    passkey_credential TEXT,
    passkey_salt TEXT,
    stored_at BIGINT NOT NULL
);
