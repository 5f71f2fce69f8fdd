-- project.public_key is the key a project began with; the key named by its last statement is the current one.
CREATE TABLE succession_statement (
    project_id TEXT NOT NULL REFERENCES project (id),
    seq BIGINT NOT NULL,
    jws TEXT NOT NULL,
    public_key TEXT NOT NULL,
    signer_kid TEXT NOT NULL,
    accepted_by TEXT NOT NULL REFERENCES account (id),
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, seq),
    UNIQUE (project_id, public_key)
);
