"""How the tables of a survey file came to be, step by step. A step that was released never changes.

Measured rows are append-only by trigger. Ranges are checked by the database; lists of words
(causes, kinds) are not, because SQLite cannot widen a CHECK without rewriting the table.
Derived tables (``*_place``, ``estimate``, ``judgement``) carry the version they came from and may
be written again.

BLOBs hold little-endian unsigned 32-bit integers. ``row_key`` is a digest of the row's own content
(:func:`fieldsurvey.store.codec.row_key`; a test's covers its phases): a repeated append finds its
rows there already, and a flipped bit shows. ``seq`` grows by one with every row of the whole file,
whatever its table.
"""

from fieldsurvey.store.outbox_tables import outbox_statements
from fieldsurvey.store.sqlite_tools import Database, Migrations

APPLICATION_ID = 0x46535256  # "FSRV"
SCHEMA_VERSION = 4  # number of migrations; PRAGMA user_version

migrations = Migrations("fieldsurvey.store")

RAW_TABLES = ("drive", "drive_end", "fix", "sample", "event", "test", "phase", "refused")
DERIVED_TABLES = ("sample_place", "estimate", "judgement", "test_place")
SEQ_TABLES = tuple(table for table in RAW_TABLES if table != "phase")

_UTC = "BETWEEN 0 AND 253402300799999999"  # years 1970 to 9999
_U32_BLOB = "length({0}) % 4 = 0"


def _all_or_none(prefix: str, columns: str) -> str:
    """Check that the required columns of an optional object are there together or not at all."""
    names = columns.split()
    nulls = " + ".join(f"({prefix}{name} IS NULL)" for name in names)
    return f"CHECK ({nulls} IN (0, {len(names)}))"


_FIX_CORE = "utc_us mono_us latitude_deg longitude_deg type flags"


def _fix_columns(prefix: str, need: str = "") -> str:
    return f"""
    {prefix}utc_us INTEGER {need} CHECK ({prefix}utc_us {_UTC}),
    {prefix}mono_us INTEGER {need},
    {prefix}latitude_deg REAL {need} CHECK ({prefix}latitude_deg BETWEEN -90 AND 90),
    {prefix}longitude_deg REAL {need} CHECK ({prefix}longitude_deg BETWEEN -180 AND 180),
    {prefix}type INTEGER {need} CHECK ({prefix}type BETWEEN 0 AND 99),
    {prefix}gnss_utc_us INTEGER CHECK ({prefix}gnss_utc_us {_UTC}),
    {prefix}altitude_m REAL CHECK ({prefix}altitude_m BETWEEN -20000 AND 100000),
    {prefix}speed_mps REAL CHECK ({prefix}speed_mps BETWEEN 0 AND 10000),
    {prefix}heading_deg REAL CHECK ({prefix}heading_deg BETWEEN 0 AND 360),
    {prefix}accuracy_m REAL CHECK ({prefix}accuracy_m BETWEEN 0 AND 1e9),
    {prefix}hdop REAL CHECK ({prefix}hdop BETWEEN 0 AND 1e6),
    {prefix}satellites INTEGER CHECK ({prefix}satellites BETWEEN 0 AND 1000),
    {prefix}flags INTEGER {need} CHECK ({prefix}flags BETWEEN 0 AND 65535)"""


_ROW = """
    seq INTEGER PRIMARY KEY CHECK (seq > 0),
    row_key BLOB NOT NULL UNIQUE CHECK (length(row_key) = 16)"""
_DIGEST = "row_key BLOB NOT NULL CHECK (length(row_key) = 16)"
_DRIVE_ROW = f"{_ROW},\n    drive_seq INTEGER NOT NULL REFERENCES drive(seq)"
_PLACE = f"""
    places_version TEXT NOT NULL,
    highway_ref TEXT,
    chainage_m REAL CHECK (chainage_m >= 0),
    road_distance_m REAL CHECK (road_distance_m >= 0),
    settlement_id TEXT,
    settlement_name TEXT,
    settlement_distance_m REAL CHECK (settlement_distance_m >= 0),
    {_DIGEST}"""


_FIRST_TABLES = f"""
CREATE TABLE survey (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    survey_id TEXT NOT NULL,  -- UUID, new with every file
    last_seq INTEGER NOT NULL CHECK (last_seq >= 0)
) STRICT;
INSERT INTO survey VALUES (1, lower(hex(randomblob(16))), 0);

CREATE TABLE drive ({_ROW},
    drive_id TEXT NOT NULL UNIQUE CHECK (length(drive_id) > 0),
    started_utc_us INTEGER NOT NULL CHECK (started_utc_us {_UTC}),
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    position_uri TEXT NOT NULL,
    radio_uri TEXT NOT NULL,
    app_version TEXT NOT NULL,
    replayed INTEGER NOT NULL CHECK (replayed IN (0, 1))
) STRICT;
CREATE TABLE drive_end ({_ROW},
    drive_seq INTEGER NOT NULL UNIQUE REFERENCES drive(seq),
    ended_utc_us INTEGER NOT NULL CHECK (ended_utc_us {_UTC})
) STRICT;

CREATE TABLE fix ({_DRIVE_ROW},{_fix_columns("fix_", "NOT NULL")}
) STRICT;
CREATE INDEX fix_utc ON fix(fix_utc_us);

CREATE TABLE sample ({_DRIVE_ROW},
    utc_us INTEGER NOT NULL CHECK (utc_us {_UTC}),
    mono_us INTEGER NOT NULL,
    reachable INTEGER NOT NULL CHECK (reachable IN (0, 1)),
    round_trip_us INTEGER CHECK (round_trip_us >= 0),
    cause TEXT CHECK (length(cause) > 0),
    fix_age_us INTEGER CHECK (fix_age_us >= 0),
    radio_utc_us INTEGER CHECK (radio_utc_us {_UTC}),
    radio_mono_us INTEGER,
    radio_technology TEXT,
    radio_operator_code TEXT,
    radio_operator_name TEXT,
    radio_cell_id INTEGER CHECK (radio_cell_id >= 0),
    radio_tracking_area INTEGER CHECK (radio_tracking_area >= 0),
    radio_band TEXT,
    radio_rsrp_dbm REAL CHECK (radio_rsrp_dbm BETWEEN -300 AND 100),
    radio_rsrq_db REAL CHECK (radio_rsrq_db BETWEEN -100 AND 100),
    radio_sinr_db REAL CHECK (radio_sinr_db BETWEEN -100 AND 100),
    radio_rssi_dbm REAL CHECK (radio_rssi_dbm BETWEEN -300 AND 100),
    {_fix_columns("fix_")},
    CHECK (reachable = 1 OR cause IS NOT NULL),  -- no service is a result with a cause
    {_all_or_none("fix_", _FIX_CORE)},
    {_all_or_none("radio_", "utc_us mono_us technology")}
) STRICT;
CREATE TABLE sample_place (
    sample_seq INTEGER PRIMARY KEY REFERENCES sample(seq),{_PLACE}
) STRICT;

CREATE TABLE event ({_DRIVE_ROW},
    kind TEXT NOT NULL CHECK (length(kind) > 0),
    utc_us INTEGER NOT NULL CHECK (utc_us {_UTC}),
    mono_us INTEGER NOT NULL,
    message TEXT NOT NULL CHECK (json_valid(message))
) STRICT;

CREATE TABLE test ({_DRIVE_ROW},
    test_id TEXT NOT NULL UNIQUE CHECK (length(test_id) > 0),
    "trigger" TEXT NOT NULL,
    started_utc_us INTEGER NOT NULL CHECK (started_utc_us {_UTC}),
    started_mono_us INTEGER NOT NULL,
    ended_utc_us INTEGER NOT NULL CHECK (ended_utc_us {_UTC}),
    ended_mono_us INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    mode TEXT NOT NULL,
    server_url TEXT NOT NULL,
    outcome TEXT NOT NULL,
    duration_us INTEGER NOT NULL CHECK (duration_us >= 0),
    wire_bytes INTEGER NOT NULL CHECK (wire_bytes >= 0),
    cause TEXT CHECK (length(cause) > 0),
    detail TEXT NOT NULL,
    server_id TEXT,
    mss_bytes INTEGER CHECK (mss_bytes > 0),
    congestion_control TEXT,
    stop_reason TEXT NOT NULL,
    tags TEXT NOT NULL CHECK (json_valid(tags)),
    {_fix_columns("start_")},
    {_fix_columns("end_")},
    {_all_or_none("start_", _FIX_CORE)},
    {_all_or_none("end_", _FIX_CORE)},
    CHECK (outcome NOT IN ('failed', 'skipped') OR cause IS NOT NULL)
) STRICT;
CREATE INDEX test_started ON test(started_utc_us);
CREATE TABLE phase (
    test_seq INTEGER NOT NULL REFERENCES test(seq),
    position INTEGER NOT NULL CHECK (position >= 0),
    kind TEXT NOT NULL,
    start_offset_us INTEGER NOT NULL,
    duration_us INTEGER NOT NULL CHECK (duration_us >= 0),
    payload_bytes INTEGER NOT NULL CHECK (payload_bytes >= 0),
    connections INTEGER NOT NULL CHECK (connections >= 0),
    bin_width_us INTEGER CHECK (bin_width_us > 0),
    bin_bytes BLOB CHECK ({_U32_BLOB.format("bin_bytes")}),
    round_trips_us BLOB NOT NULL CHECK ({_U32_BLOB.format("round_trips_us")}),
    round_trips_lost INTEGER NOT NULL CHECK (round_trips_lost >= 0),
    outcome TEXT NOT NULL,
    cause TEXT,
    PRIMARY KEY (test_seq, position),
    CHECK ((bin_width_us IS NULL) = (bin_bytes IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE estimate (
    test_seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    estimator TEXT NOT NULL,
    rate_bps INTEGER NOT NULL CHECK (rate_bps >= 0),
    low_bps INTEGER NOT NULL,
    high_bps INTEGER NOT NULL,
    batches INTEGER NOT NULL CHECK (batches >= 0),
    ramp_us INTEGER NOT NULL CHECK (ramp_us >= 0),
    ramp_bytes INTEGER NOT NULL CHECK (ramp_bytes >= 0),
    {_DIGEST},
    PRIMARY KEY (test_seq, position),
    FOREIGN KEY (test_seq, position) REFERENCES phase(test_seq, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE judgement (
    test_seq INTEGER PRIMARY KEY REFERENCES test(seq),
    verdict TEXT NOT NULL,
    confidence TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target_version TEXT NOT NULL,
    target_rate_bps INTEGER NOT NULL CHECK (target_rate_bps > 0),
    target_layer TEXT NOT NULL,
    compared_bps INTEGER NOT NULL CHECK (compared_bps >= 0),
    rule TEXT NOT NULL,
    {_DIGEST}
) STRICT;
CREATE TABLE test_place (
    test_seq INTEGER NOT NULL REFERENCES test(seq),
    "end" TEXT NOT NULL CHECK ("end" IN ('start', 'end')),{_PLACE},
    PRIMARY KEY (test_seq, "end")
) STRICT, WITHOUT ROWID;

-- Rows the tables above would not take, as text: a bug of ours must not cost a measurement.
CREATE TABLE refused ({_DRIVE_ROW},
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT
"""


@migrations()
def first_tables(db: Database) -> None:
    for statement in _FIRST_TABLES.split(";\n"):
        db.execute(statement)
    for table in RAW_TABLES:
        for verb in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'measured rows are append-only'); END"
            )
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute("PRAGMA user_version=1")


# A test of schema 1 has none of these columns: NULL in ``link`` tells it from one without a name
# for its link, and its row key covers what schema 1 knew.
_TEST_CONDITIONS = """
link TEXT
operator TEXT CHECK ((operator IS NULL) = (link IS NULL))
access_type TEXT CHECK ((access_type IS NULL) = (link IS NULL))
confirms TEXT CHECK (length(confirms) > 0)
ip_version INTEGER CHECK (ip_version > 0)
tls INTEGER CHECK (tls IN (0, 1) AND (tls IS NULL) = (link IS NULL))
pace_bps INTEGER CHECK (pace_bps >= 0 AND (pace_bps IS NULL) = (link IS NULL))
retry_after_s INTEGER CHECK (retry_after_s >= 0)
interface TEXT
interface_kind TEXT CHECK (length(interface_kind) > 0)
cpu_permille INTEGER CHECK (cpu_permille >= 0)
machine_cpu_permille INTEGER CHECK (machine_cpu_permille >= 0)
loop_lag_us INTEGER CHECK (loop_lag_us >= 0)
other_rx_bytes INTEGER CHECK (other_rx_bytes >= 0)
other_tx_bytes INTEGER CHECK (other_tx_bytes >= 0)
limits TEXT CHECK (json_valid(limits) AND (limits IS NULL) = (interface_kind IS NULL))
"""
_PHASE_TCP = """
tcp_local TEXT CHECK (json_valid(tcp_local))
tcp_server TEXT CHECK (json_valid(tcp_server))
"""


@migrations()
def conditions_of_tests(db: Database) -> None:
    """Link, operator and our own side of each test; what TCP knew of each phase."""
    for table, columns in (("test", _TEST_CONDITIONS), ("phase", _PHASE_TCP)):
        for column in columns.strip().splitlines():
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    db.execute("PRAGMA user_version=2")


@migrations()
def arrivals_of_phases(db: Database) -> None:
    """Bytes by their arrival, out of order or not; bins as wide as those of ``bin_bytes``."""
    check = f"bin_width_us IS NOT NULL AND {_U32_BLOB.format('arrival_bytes')}"
    db.execute(
        f"ALTER TABLE phase ADD COLUMN arrival_bytes BLOB CHECK (arrival_bytes IS NULL OR {check})"
    )
    db.execute("PRAGMA user_version=3")


@migrations()
def outbox(db: Database) -> None:
    """Sealed batches and how far they got; rows are not touched."""
    for statement in outbox_statements():
        db.execute(statement)
    db.execute("PRAGMA user_version=4")
