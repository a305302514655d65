-- A ledger that the first landing (schema 1) wrote: a partial run, one that was undone, its undoing, and one that was killed.
BEGIN TRANSACTION;
CREATE TABLE changes (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	"before" JSON, 
	"after" JSON, 
	requires JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	error VARCHAR, 
	attempted VARCHAR, 
	finished VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "changes" VALUES(1,1,0,'memory.thing','a','new',NULL,'{"colour": "blue"}','[]','verified',NULL,'2026-11-23T00:24:09.871+00:00','2026-11-23T00:24:09.875+00:00');
INSERT INTO "changes" VALUES(2,1,1,'memory.thing','b','z',NULL,'{"size": 1}','[]','failed','b: no «Ø» ''quoted''','2026-11-23T00:24:09.874+00:00','2026-11-23T00:24:09.878+00:00');
INSERT INTO "changes" VALUES(3,1,2,'memory.thing','a','old','{"size": 1, "labels": {"x": "1", "y": null}}','{"size": 2, "labels": {"x": null, "y": "\u00fc"}}','[["memory.thing", "a", "new"]]','verified',NULL,'2026-11-23T00:24:09.881+00:00','2026-11-23T00:24:09.882+00:00');
INSERT INTO "changes" VALUES(4,1,3,'memory.thing','b','w',NULL,'{"size": 1}','[["memory.thing", "b", "z"]]','blocked','not attempted, because memory.thing[b/z] was not done',NULL,'2026-11-23T00:24:09.880+00:00');
INSERT INTO "changes" VALUES(5,2,0,'memory.thing','b','k',NULL,'{"colour": "x"}','[]','verified',NULL,'2026-11-23T00:24:09.897+00:00','2026-11-23T00:24:09.898+00:00');
INSERT INTO "changes" VALUES(6,3,0,'memory.thing','b','k','{"colour": "x"}',NULL,'[]','verified',NULL,'2026-11-23T00:24:09.905+00:00','2026-11-23T00:24:09.906+00:00');
INSERT INTO "changes" VALUES(7,4,0,'memory.thing','a','q',NULL,'{"size": 1}','[]','attempted',NULL,'2026-11-23T00:24:09.912+00:00',NULL);
INSERT INTO "changes" VALUES(8,4,1,'memory.thing','a','r',NULL,'{"size": 1}','[]','planned',NULL,NULL,NULL);
CREATE TABLE proofs (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	parameters JSON NOT NULL, 
	passed BOOLEAN NOT NULL, 
	detail VARCHAR NOT NULL, 
	at VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "proofs" VALUES(1,1,'memory.exists','a','new is there','{"key": "new"}',1,'it is there','2026-11-23T00:24:09.884+00:00');
INSERT INTO "proofs" VALUES(2,1,'memory.exists','b','z is there','{"key": "z"}',0,'it is not there','2026-11-23T00:24:09.884+00:00');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	title VARCHAR NOT NULL, 
	request JSON NOT NULL, 
	who VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	finished VARCHAR, 
	undoes INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(undoes) REFERENCES runs (id)
);
INSERT INTO "runs" VALUES(1,'onboard E1042','{"procedure": "onboard", "persons": ["E1042"]}','anna','partial','2026-11-23T00:24:09.856+00:00','2026-11-23T00:24:09.886+00:00',NULL);
INSERT INTO "runs" VALUES(2,'onboard E1042','{"procedure": "onboard", "persons": ["E1042"]}','anna','undone','2026-11-23T00:24:09.894+00:00','2026-11-23T00:24:09.909+00:00',NULL);
INSERT INTO "runs" VALUES(3,'undo run 2','{"procedure": "undo", "run": 2}','anna','done','2026-11-23T00:24:09.903+00:00','2026-11-23T00:24:09.907+00:00',2);
INSERT INTO "runs" VALUES(4,'killed','{}','anna','running','2026-11-23T00:24:09.910+00:00',NULL,NULL);
CREATE INDEX changes_by_run ON changes (run_id, position);
CREATE INDEX changes_by_resource ON changes (kind, target, "key");
CREATE INDEX ix_proofs_run_id ON proofs (run_id);
COMMIT;
PRAGMA user_version = 1;
