-- A credential of WebAuthn (level 3), whose user handle is account_id. public_key: with what of it the signature depends on, as
-- the library that verifies it writes it. transports: a set of bits of that library, handed back to browsers.
CREATE TABLE passkey (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential_id {{bytes}} NOT NULL UNIQUE,
    public_key {{bytes}} NOT NULL,
    sign_count BIGINT NOT NULL,
    backup TEXT NOT NULL,
    transports BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkey_by_account ON passkey (account_id);
