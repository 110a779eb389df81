"""The ledger's tables, and whether a file holds them."""

import sqlite3

from ..errors import LedgerError

MARK = 0x41756D67  # SQLite's application id of a ledger
VERSION = 1
TABLES = {
    "calls": "id integer primary key autoincrement, at text not null, notebook text not null,"
    " cell text not null, model text not null, engine text not null, host text not null,"
    " seconds_in real not null, held text, pid integer, born real, machine text",
    "ends": "call integer primary key references calls (id), seconds_out real, text_in integer,"
    " cached_in integer, audio_in integer, text_out integer, audio_out integer, dollars text,"
    " estimated integer not null, settled integer not null, outcome text not null",
    "caps": "id integer primary key autoincrement, at text not null, per text not null,"
    " notebook text not null, amount text",
}


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file. Raises LedgerError for a file of others, or a newer one."""
    (mark,) = connection.execute("pragma application_id").fetchone()
    (version,) = connection.execute("pragma user_version").fetchone()
    (tables,) = connection.execute("select count(*) from sqlite_master").fetchone()
    if mark == MARK and version == VERSION:
        return
    if mark == MARK and version > VERSION:
        raise LedgerError("the ledger is a newer version's; pip install --upgrade audiomagic")
    if mark == MARK:
        raise LedgerError("this ledger is damaged; move it away, or set AUDIOMAGIC_LEDGER anew")
    if mark or version or tables:
        raise LedgerError("this is no ledger but another SQLite file; set AUDIOMAGIC_LEDGER anew")
    for table, columns in TABLES.items():
        connection.execute(f"create table {table} ({columns})")
        for verb in ("update", "delete"):
            connection.execute(
                f"create trigger {table}_{verb} before {verb} on {table} "
                "begin select raise(abort, 'the ledger only grows'); end"
            )
    connection.execute("create index calls_at on calls (at)")
    connection.execute(f"pragma application_id = {MARK}")
    connection.execute(f"pragma user_version = {VERSION}")
