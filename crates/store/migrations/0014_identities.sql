-- Who a provider of single sign-on vouches for. email: what it said last, to be shown; nothing is found by it.
CREATE TABLE identity (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX identity_by_account ON identity (account_id);

-- Since when members must have come by single sign-on, if they must.
ALTER TABLE organization ADD COLUMN sso_required_at BIGINT;

-- Until when a password that was set with a code of the operator signs in although single sign-on is required.
ALTER TABLE account_password ADD COLUMN break_glass_until BIGINT;
