"""Database URLs and errors, put so that a person can act on them and no password is shown."""

import re

import sqlalchemy

from optunas.errors import StorageError

FORMS = (
    "sqlite:///studies.db, postgresql+psycopg://user:password@host/name, "
    "mysql+pymysql://user:password@host/name or journal:///studies.log"
)

_SECRET_OPTION = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)
_NO_DRIVER = {
    "postgresql": "pip install 'optunas[postgresql]' and write postgresql+psycopg://...",
    "postgres": "pip install 'optunas[postgresql]' and write postgresql+psycopg://...",
    "mysql": "pip install 'optunas[mysql]' and write mysql+pymysql://...",
    "mariadb": "pip install 'optunas[mysql]' and write mysql+pymysql://...",
}
# What databases say (in lower case), what it means, and the way out. The first that fits counts.
_CAUSES = (
    (
        r"access denied|authentication failed|no password supplied|role .* does not exist|pg_hba",
        "the server refuses this user or password",
        "check both, and write special characters such as @ : / % percent-encoded (@ is %40)",
    ),
    (
        r"unknown database|database .* does not exist",
        "the server has no database of this name",
        "make it there first (CREATE DATABASE), or correct the name",
    ),
    (
        r"refused|resolve|timed out|timeout expired|can't connect|is the server running|"
        r"unreachable|name or service|connection failed|gone away|lost connection|closed",
        "no database server answers there",
        "start it, or correct host and port",
    ),
    (
        r"permission denied for|insufficient privilege|command denied",
        "the user may not make tables there",
        "let the database's owner GRANT that",
    ),
    (
        r"not a database|malformed|encrypted",
        "the file is no SQLite database, or damaged",
        "choose another file name, or restore a copy",
    ),
    (
        r"unable to open|readonly|read-only|permission denied|no such file|not a directory",
        "the file can't be opened for writing",
        "choose another folder, or change its permissions",
    ),
    (
        r"locked|busy",
        "another program has kept it locked for too long",
        "end that program; for many workers take PostgreSQL",
    ),
    (r"disk|no space", "the disk is full or broken", "make room and run the command again"),
)


def masked(url: str) -> str:
    """The URL as it may be printed: passwords, also those among its options, become ``***``."""
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return _crudely_masked(url)
    if _ambiguous(url):
        return _crudely_masked(url)
    secrets = {key: "***" for key in parsed.query if _SECRET_OPTION.search(key)}
    if parsed.password is None and not secrets:
        return url
    shown = parsed.update_query_dict(secrets).render_as_string(hide_password=True)
    return shown.replace("%2A%2A%2A", "***")


def _crudely_masked(url: str) -> str:
    """For what can't be parsed: hide all before the last @, or after the host's colon."""
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    if "@" in rest:
        return f"{scheme}{slashes}***@{rest.rpartition('@')[2]}"
    return scheme + slashes + re.sub(r"^([^/:]*:)[^/]+", r"\1***", rest)


def parse(url: str) -> sqlalchemy.URL:
    """Parse, or raise StorageError for what is no URL or would be misread by Optuna."""
    if "://" not in url:
        hint = f"; for an SQLite file write sqlite:///{url}" if url and "@" not in url else ""
        raise StorageError(f"a storage is a URL, such as {FORMS}; got {masked(url)!r}{hint}")
    if _ambiguous(url):
        raise StorageError(
            f"storage {masked(url)}: a user name or password with one of @ {{ }} breaks the URL; "
            "write these percent-encoded: @ as %40, { as %7B, } as %7D"
        )
    message = f"storage {masked(url)}: this is no URL of a database; write {FORMS}"
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None:  # raised out here, without the error that quotes parts of the URL
        raise StorageError(message)
    if parsed.get_backend_name() == "sqlite" and parsed.host:
        raise StorageError(f"{message} (SQLite takes three slashes, four for an absolute path)")
    return parsed


def _ambiguous(url: str) -> bool:
    """Would @ or braces in the credentials make Optuna or the parser see another URL?"""
    rest = url.partition("://")[2]
    head, _, options = rest.partition("?")
    has_options = "@" in head and re.match(r"[\w.-]+=", options)
    before, at, _ = (head if has_options else rest).rpartition("@")
    return bool(at) and any(sign in before for sign in "@{}")


def explain(error: Exception, url: str) -> str:
    """One line on why the storage failed and what to do."""
    shown = f"storage {masked(url)}"
    scheme = url.partition(":")[0].partition("+")[0].lower()
    if isinstance(error, (sqlalchemy.exc.NoSuchModuleError, ImportError)):
        way_out = _NO_DRIVER.get(scheme, f"write one of {FORMS}")
        return f"{shown}: there is no driver for {url.partition(':')[0]!r} here; {way_out}"
    if isinstance(error, sqlalchemy.exc.ArgumentError):
        return f"{shown}: this is no URL of a database; write {FORMS}"
    if isinstance(error, RuntimeError) and "table schema" in str(error):
        return f"{shown}: {_schema(str(error), masked(url))}"
    return f"{shown}: {_cause(_deepest(error), url)}"


def _schema(text: str, shown: str) -> str:
    if "pip install" in text:
        return "a newer Optuna made these tables; pip install -U optuna"
    return (
        "an older Optuna made these tables; back it up, then run: "
        f"optuna storage upgrade --storage {shown}"
    )


def _deepest(error: BaseException) -> BaseException:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return _deepest(error.__cause__) if error.__cause__ is not None else error


def _cause(error: BaseException, url: str) -> str:
    text = " ".join(str(error).split())
    for pattern, what, way_out in _CAUSES:
        if re.search(pattern, text.lower()):
            return f"{what}; {way_out}"
    return f"the database failed: {_without_password(text, url)[:300]}"


def _without_password(text: str, url: str) -> str:
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return text if "@" not in url else "see its log"
    secrets = [value for key, value in parsed.query.items() if _SECRET_OPTION.search(key)]
    for secret in (parsed.password, *secrets):
        text = text.replace(str(secret), "***") if secret else text
    return text
