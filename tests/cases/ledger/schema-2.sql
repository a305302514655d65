-- A ledger that schema 2 wrote: one run that connected a printer, with a licence seat, a request, a proof, a log entry.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('2');
CREATE TABLE allocations (
	id INTEGER NOT NULL, 
	pool TEXT NOT NULL, 
	item TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	run_id INTEGER, 
	at TEXT NOT NULL, 
	released TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "allocations" VALUES(1,'licence:crm','1','E1042',1,'2026-11-23T05:29:31.286+00:00',NULL);
CREATE TABLE approvals (
	id INTEGER NOT NULL, 
	request_id INTEGER NOT NULL, 
	role TEXT NOT NULL, 
	who TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at TEXT NOT NULL, 
	withdrawn TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(request_id) REFERENCES requests (id)
);
CREATE TABLE change_events (
	run_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	change_id INTEGER, 
	proof_id INTEGER, 
	state TEXT NOT NULL, 
	error TEXT, 
	at TEXT NOT NULL, 
	who TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (run_id, number), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(change_id) REFERENCES changes (id), 
	FOREIGN KEY(proof_id) REFERENCES proofs (id)
);
INSERT INTO "change_events" VALUES(1,1,NULL,NULL,'running',NULL,'2026-11-23T05:29:31.285+00:00','root','080681e05392119a95b0cd3f8a64e54d2b823552d0572d953e17e62f7a814efc','860a51a967949bd50f040dc17cabfc47adc37ee73a61792f00f0be31f7c2b297');
INSERT INTO "change_events" VALUES(1,2,1,NULL,'planned',NULL,'2026-11-23T05:29:31.288+00:00','root','860a51a967949bd50f040dc17cabfc47adc37ee73a61792f00f0be31f7c2b297','88570f5513c371f526433a93e78da9941ba79665c89cf48ffd5c7997b5d5af40');
INSERT INTO "change_events" VALUES(1,3,1,NULL,'attempted',NULL,'2026-11-23T05:29:31.296+00:00','root','88570f5513c371f526433a93e78da9941ba79665c89cf48ffd5c7997b5d5af40','b82398c00d0c4700032842daeab4213adeb8c0c39714fa48645d660b647259d4');
INSERT INTO "change_events" VALUES(1,4,1,NULL,'verified',NULL,'2026-11-23T05:29:31.297+00:00','root','b82398c00d0c4700032842daeab4213adeb8c0c39714fa48645d660b647259d4','7915da3dceee786d7d052362039f40c94abd8fef7e886436bf95eb565577e798');
INSERT INTO "change_events" VALUES(1,5,NULL,1,'passed',NULL,'2026-11-23T05:29:31.299+00:00','root','7915da3dceee786d7d052362039f40c94abd8fef7e886436bf95eb565577e798','de6a890f6d47547fa591e066b10deec312d64145342a4530cfa34abbd286091d');
INSERT INTO "change_events" VALUES(1,6,NULL,NULL,'done',NULL,'2026-11-23T05:29:31.300+00:00','root','de6a890f6d47547fa591e066b10deec312d64145342a4530cfa34abbd286091d','df26ab3766612b51b7e7545aa290da282610da9bf6cde3c127968f35e0a77c84');
CREATE TABLE changes (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	"before" JSON, 
	"after" JSON, 
	requires JSON NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "changes" VALUES(1,1,0,'switch.port','switch:sw-1','GigabitEthernet1/0/7','{"access_vlan": 1}','{"access_vlan": 20}','[]','c3746950a782d832958211499401d3fbf5ef16e7e52d2421109e1e1b27af178c');
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	entry_id INTEGER NOT NULL, 
	desk TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try TEXT NOT NULL, 
	error TEXT, 
	delivered TEXT, 
	remote TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT one_delivery_a_desk UNIQUE (entry_id, desk), 
	FOREIGN KEY(entry_id) REFERENCES work_log (id)
);
CREATE TABLE proofs (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT NOT NULL, 
	name TEXT NOT NULL, 
	parameters JSON NOT NULL, 
	passed BOOLEAN NOT NULL, 
	detail TEXT NOT NULL, 
	at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "proofs" VALUES(1,1,'network.port','switch:sw-1','printer is on it','{"vlan": 20}',1,'seen','2026-11-23T05:29:31.298+00:00','c78e39db936a36ce641cac29965c7c78f8ee3af298ddd397c7e25cb0ae4afc05');
CREATE TABLE requests (
	id INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	request JSON NOT NULL, 
	who TEXT NOT NULL, 
	state TEXT NOT NULL, 
	at TEXT NOT NULL, 
	start TEXT NOT NULL, 
	needs JSON NOT NULL, 
	grounds JSON NOT NULL, 
	reason TEXT, 
	changed TEXT NOT NULL, 
	ticket TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "requests" VALUES(1,'connect printer','{"procedure": "connect", "names": ["printer"]}','root','proven','2026-11-23T05:29:31.279+00:00','2026-11-23T05:29:31.279+00:00','[]','{}',NULL,'2026-11-23T05:29:31.302+00:00',NULL);
CREATE TABLE run_targets (
	run_id INTEGER NOT NULL, 
	target TEXT NOT NULL, 
	why TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	since TEXT NOT NULL, 
	next_try TEXT NOT NULL, 
	deadline TEXT, 
	closed TEXT, 
	PRIMARY KEY (run_id, target), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	request JSON NOT NULL, 
	who TEXT NOT NULL, 
	started TEXT NOT NULL, 
	undoes INTEGER, 
	request_id INTEGER, 
	to_prove JSON NOT NULL, 
	after_number INTEGER NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	state TEXT NOT NULL, 
	finished TEXT, 
	last_number INTEGER NOT NULL, 
	last_hash TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(undoes) REFERENCES runs (id), 
	FOREIGN KEY(request_id) REFERENCES requests (id)
);
INSERT INTO "runs" VALUES(1,'connect printer','{"procedure": "connect", "names": ["printer"]}','root','2026-11-23T05:29:31.284+00:00',NULL,1,'[]',0,'','080681e05392119a95b0cd3f8a64e54d2b823552d0572d953e17e62f7a814efc','done','2026-11-23T05:29:31.300+00:00',6,'df26ab3766612b51b7e7545aa290da282610da9bf6cde3c127968f35e0a77c84');
CREATE TABLE seals (
	id INTEGER NOT NULL, 
	last_run INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "seals" VALUES(1,1);
CREATE TABLE work_log (
	id INTEGER NOT NULL, 
	sentence TEXT NOT NULL, 
	request_id INTEGER, 
	run_id INTEGER, 
	change_id INTEGER, 
	"key" TEXT NOT NULL, 
	who TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(request_id) REFERENCES requests (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(change_id) REFERENCES changes (id), 
	UNIQUE ("key")
);
INSERT INTO "work_log" VALUES(1,'Begun.',1,1,NULL,'d3726d22-14f7-482c-86ac-90e5d0559f66','root','2026-11-23T05:29:31.288+00:00');
CREATE INDEX requests_by_state ON requests (state, start);
CREATE UNIQUE INDEX one_word_a_role ON approvals (request_id, role) WHERE withdrawn IS NULL;
CREATE INDEX runs_by_state ON runs (state);
CREATE INDEX runs_by_request ON runs (request_id);
CREATE UNIQUE INDEX changes_by_run ON changes (run_id, position);
CREATE INDEX changes_by_resource ON changes (kind, target, "key");
CREATE INDEX proofs_by_run ON proofs (run_id);
CREATE INDEX run_targets_open ON run_targets (next_try) WHERE closed IS NULL;
CREATE INDEX allocations_by_holder ON allocations (holder, pool);
CREATE UNIQUE INDEX one_holder_an_item ON allocations (pool, item) WHERE released IS NULL;
CREATE INDEX change_events_by_change ON change_events (change_id, number);
CREATE INDEX work_log_by_request ON work_log (request_id);
CREATE INDEX work_log_by_run ON work_log (run_id);
CREATE INDEX deliveries_owed ON deliveries (desk, next_try) WHERE delivered IS NULL;
PRAGMA user_version = 2;
COMMIT;
