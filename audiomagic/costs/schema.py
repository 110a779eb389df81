"""The ledger's tables, and whether a file holds them."""

import sqlite3

MARK = 0x41756D67  # SQLite's application id of a ledger
VERSION = 1
TABLES = {
    "calls": "id integer primary key autoincrement, at text not null, notebook text not null,"
    " cell text not null, model text not null, engine text not null, host text not null,"
    " seconds_in real not null, held text, pid integer, born real, machine text",
    "ends": "call integer primary key references calls (id), seconds_out real, input_text_tokens integer,"
    " cached_tokens integer, input_audio_tokens integer, output_text_tokens integer, output_audio_tokens integer, dollars text,"
    " estimated integer not null, settled integer not null, outcome text not null",
    "caps": "id integer primary key autoincrement, at text not null, per text not null,"
    " notebook text not null, amount text",
}


class Unfit(Exception):
    """A file that is no ledger: what it is; `step` is what to do where that is special."""

    def __init__(self, what: str, step: str = ""):
        super().__init__(what)
        self.step = step


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file. Raises Unfit for another one."""
    (mark,) = connection.execute("pragma application_id").fetchone()
    (version,) = connection.execute("pragma user_version").fetchone()
    if mark == MARK and version == VERSION:
        return
    if mark == MARK and version > VERSION:
        raise Unfit("it is a newer version's", "pip install --upgrade audiomagic")
    found = {name for (name,) in connection.execute("select name from sqlite_master")}
    if mark == MARK and found >= TABLES.keys():
        raise Unfit("it is damaged: its version is lost")
    if mark or version or found:
        raise Unfit("it is not a ledger of audiomagic")
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
