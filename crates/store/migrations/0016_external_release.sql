-- Where a release came from: server (prepared here), or external (signed while no server was there, imported afterwards).
ALTER TABLE "release" ADD COLUMN source TEXT NOT NULL DEFAULT 'server';
