"""What all tables share: one MetaData, named constraints, and the column types that both databases agree on."""

from sqlalchemy import JSON, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the ledger. Names are given by rule, so that a migration can name what it alters."""

Json = JSON(none_as_null=True)
"""JSON as text on both databases: a Python None is SQL NULL, key order and every digit survive."""
