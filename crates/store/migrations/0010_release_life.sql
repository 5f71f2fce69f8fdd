-- The ways of a release between its submission and apps: who approved it, when it is due, where it has arrived.
-- project.approval: none, or second_person. project.withdrawn_at: since when apps are told to trust nothing.
ALTER TABLE project ADD COLUMN approval TEXT NOT NULL DEFAULT 'none';
ALTER TABLE project ADD COLUMN withdrawn_at BIGINT;

ALTER TABLE "release" ADD COLUMN kind TEXT NOT NULL DEFAULT 'configuration';
ALTER TABLE "release" ADD COLUMN publish_at BIGINT;
ALTER TABLE "release" ADD COLUMN approved_by TEXT REFERENCES account (id);
ALTER TABLE "release" ADD COLUMN approved_at BIGINT;

CREATE TABLE release_target (
    project_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    tried_at BIGINT,
    live_at BIGINT,
    PRIMARY KEY (project_id, version, target),
    FOREIGN KEY (project_id, version) REFERENCES "release" (project_id, version) ON DELETE CASCADE
);

-- Where a pin was taken from: fetched, file, csr, ct, by_hand.
ALTER TABLE pin ADD COLUMN source TEXT NOT NULL DEFAULT 'by_hand';
