-- Jobs of every kind: subject is the id of what a job is about (rel_… for a publication), payload whatever else its kind
-- has to know.
CREATE TABLE job_of_any_kind (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT,
    attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    lease TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
INSERT INTO job_of_any_kind (id, kind, subject, attempts, run_at, lease, created_at)
    SELECT job.id, job.kind, r.id, job.attempts, job.run_at, job.lease, job.created_at
    FROM job JOIN "release" r ON r.project_id = job.project_id AND r.version = job.version;
DROP TABLE job;
ALTER TABLE job_of_any_kind RENAME TO job;
CREATE INDEX job_by_time ON job (run_at);
