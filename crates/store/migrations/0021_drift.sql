-- What the world shows of the live release, as seen from one vantage point: of a domain, or of a place that apps fetch it
-- from (`kind`). state: as the API spells it; none: not seen often enough to say. pending_*: a state that the last looks
-- found, and that is not believed yet. pins_sha256, primary_pins: the pins that matched when these pins of the domain were
-- first looked at. due_at: of the server's own vantage point alone; others come when they come.
CREATE TABLE drift (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    vantage TEXT NOT NULL,
    state TEXT,
    since BIGINT,
    detail TEXT NOT NULL,
    pending_state TEXT,
    pending_count BIGINT NOT NULL,
    pins_sha256 TEXT,
    primary_pins TEXT,
    version BIGINT NOT NULL,
    seen_at BIGINT,
    due_at BIGINT,
    lease TEXT,
    PRIMARY KEY (project_id, kind, subject, vantage)
);
CREATE INDEX drift_by_due ON drift (due_at);

-- One row for each change of a state. seq: of the project, rising.
CREATE TABLE drift_change (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    vantage TEXT NOT NULL,
    at BIGINT NOT NULL,
    before TEXT,
    after TEXT NOT NULL,
    detail TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (project_id, seq)
);
CREATE INDEX drift_change_by_subject ON drift_change (project_id, subject, seq);
CREATE INDEX drift_change_by_time ON drift_change (at);

-- A server's own certificate that was seen for a domain. accepted_at: when apps would last have accepted its chain.
CREATE TABLE observed_certificate (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    domain TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    spki_sha256 TEXT NOT NULL,
    issuer TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    accepted_at BIGINT,
    PRIMARY KEY (project_id, domain, sha256)
);
CREATE INDEX observed_certificate_by_time ON observed_certificate (last_seen_at);

-- Whether what is looked at was brought in line with the release, once it was live.
ALTER TABLE "release" ADD COLUMN watched_at BIGINT;
