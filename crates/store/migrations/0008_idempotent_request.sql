-- Requests that were carried out and came with an idempotency key, so that none is carried out twice. The key itself is
-- not kept: `fingerprint` hashes the request together with it. `attempt` names the one request that made the row.
-- Without `status` the answer is not known (yet); without `body` it is not kept.
CREATE TABLE idempotent_request (
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    key_sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    attempt TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    status BIGINT,
    headers TEXT,
    body {{bytes}},
    PRIMARY KEY (account_id, key_sha256)
);
CREATE INDEX idempotent_request_by_time ON idempotent_request (created_at);
