"""The tables of a view. A view is never migrated: another number here means it is built anew."""

SCHEMA_NUMBER = 10

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- The membership log, from its readable parts.
CREATE TABLE card (user BLOB PRIMARY KEY, name TEXT, roles TEXT, enc_public BLOB, sig_public BLOB, status TEXT,
                   serial INTEGER, at_ms INTEGER, pos INTEGER) WITHOUT ROWID;
CREATE TABLE wrap (id BLOB PRIMARY KEY, recipient BLOB, compartment BLOB, generation INTEGER, primitive TEXT,
                   not_after_ms INTEGER, act BLOB, act_kind TEXT, author BLOB, at_ms INTEGER,
    revoked_ms INTEGER NOT NULL DEFAULT 0,
                   root BLOB, pos INTEGER NOT NULL, revoked_pos INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX wrap_compartment ON wrap (compartment, recipient);
CREATE INDEX wrap_recipient ON wrap (recipient);
CREATE INDEX wrap_ending ON wrap (not_after_ms) WHERE not_after_ms > 0 AND revoked_ms = 0;
CREATE TABLE pending_revoke (id BLOB, author BLOB, at_ms INTEGER, pos INTEGER, PRIMARY KEY (id, author)) WITHOUT ROWID;
CREATE TABLE role (user BLOB, role TEXT, PRIMARY KEY (user, role)) WITHOUT ROWID;
CREATE TABLE waiting (act BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE late (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE generation (compartment BLOB, number INTEGER, public BLOB, author BLOB, act BLOB, at_ms INTEGER,
                         root BLOB, pos INTEGER, PRIMARY KEY (compartment, number, root)) WITHOUT ROWID;
-- Keys that members sealed for an emergency, and who used one. Apart from `wrap`: none of it is anybody's access.
CREATE TABLE emergency (id BLOB PRIMARY KEY, recipient BLOB, compartment BLOB, generation INTEGER,
                        not_after_ms INTEGER, act BLOB, author BLOB, at_ms INTEGER, root BLOB, pos INTEGER)
    WITHOUT ROWID;
CREATE INDEX emergency_compartment ON emergency (compartment);
CREATE TABLE quarantine (id BLOB PRIMARY KEY, what TEXT, why TEXT, at_ms INTEGER) WITHOUT ROWID;

-- What this user holds keys to, and what those compartments are.
-- A secondary key comes from a founding that another one precedes: it opens what was written under it, nothing new.
CREATE TABLE keyring (compartment BLOB, generation INTEGER, key BLOB, wrap BLOB, secondary INTEGER NOT NULL,
    PRIMARY KEY (compartment, generation)) WITHOUT ROWID;
CREATE TABLE compartment (id BLOB PRIMARY KEY, kind TEXT, person BLOB, owner BLOB, role TEXT, purpose TEXT, rule TEXT,
                          primitive TEXT, author BLOB, at_ms INTEGER) WITHOUT ROWID;
CREATE INDEX compartment_person ON compartment (person, kind);
CREATE INDEX compartment_kind ON compartment (kind);

-- The readable projection of every record this user can open.
CREATE TABLE record (
    id INTEGER PRIMARY KEY, record BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, person BLOB NOT NULL,
    compartment BLOB NOT NULL,
    author BLOB NOT NULL, leaf BLOB NOT NULL, leaves INTEGER NOT NULL, versions INTEGER NOT NULL,
    status TEXT NOT NULL,
    service_date TEXT, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, title TEXT NOT NULL,
    source TEXT NOT NULL,
    version INTEGER NOT NULL, doc BLOB NOT NULL, origin BLOB,
    deposit INTEGER NOT NULL
);
CREATE INDEX record_person ON record (person, service_date DESC, id DESC);
CREATE INDEX record_person_kind ON record (person, kind);
CREATE INDEX record_kind ON record (kind, service_date DESC, id DESC);
CREATE INDEX record_status ON record (status, kind, author);
CREATE INDEX record_compartment ON record (compartment);
CREATE INDEX record_torn ON record (status) WHERE leaves > 1;
CREATE TABLE version (id BLOB PRIMARY KEY, record BLOB NOT NULL, at_ms INTEGER, author BLOB,
    leaf INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX version_record ON version (record);
CREATE TABLE edge (parent BLOB, child BLOB, PRIMARY KEY (parent, child)) WITHOUT ROWID;
CREATE TABLE signature (id BLOB PRIMARY KEY, record BLOB NOT NULL, target BLOB NOT NULL, signer BLOB,
    meaning TEXT, at_ms INTEGER,
                        doc BLOB, compartment BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX signature_record ON signature (record);
CREATE TABLE person (id BLOB PRIMARY KEY, name TEXT, sort_key TEXT, initials TEXT, birth_date TEXT, pronouns TEXT,
                     safe_contact TEXT, deceased INTEGER, record BLOB) WITHOUT ROWID;
CREATE INDEX person_sort ON person (sort_key, id);
CREATE TABLE fact (person BLOB, key TEXT, on_date TEXT, value REAL, record BLOB, PRIMARY KEY (person, key,
    on_date, record)) WITHOUT ROWID;
CREATE INDEX fact_record ON fact (record);
CREATE TABLE searchtext (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE VIRTUAL TABLE search USING fts5 (body, content='searchtext', content_rowid='id',
    tokenize="unicode61 remove_diacritics 2");
"""
