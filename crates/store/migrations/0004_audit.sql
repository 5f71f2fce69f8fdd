-- One chain of events per organization, and one of the installation. `record` is hashed as it stands; the columns beside
-- it repeat what events are looked up by. hash: SHA-256 over the hash before it and the record, lower-case hexadecimal.
CREATE TABLE audit_event (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    account_id TEXT,
    project_id TEXT,
    target_id TEXT,
    record TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_event_by_time ON audit_event (chain, at);

-- Personal values stand beside the chain, which holds only salted commitments to them: erasing a row here leaves the
-- chain verifiable. account_id: whose value it is, where that is known.
CREATE TABLE audit_personal (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    field TEXT NOT NULL,
    account_id TEXT,
    value TEXT NOT NULL,
    salt TEXT NOT NULL,
    PRIMARY KEY (chain, seq, field),
    FOREIGN KEY (chain, seq) REFERENCES audit_event (chain, seq) ON DELETE CASCADE
);
CREATE INDEX audit_personal_by_account ON audit_personal (account_id);
