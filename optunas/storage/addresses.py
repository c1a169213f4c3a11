"""Database URLs, as they may be typed, and as they may be shown: without passwords."""

import re

import sqlalchemy

from optunas.errors import StorageError

FORMS = (
    "sqlite:///studies.db, postgresql+psycopg://user:password@host/name, "
    "mysql+pymysql://user:password@host/name, journal:///studies.log or grpc://host:port"
)
SECRET_OPTION = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)


def masked(url: str) -> str:
    """The URL as it may be printed: passwords, also those among its options, become ``***``."""
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return _crudely_masked(url)
    if _ambiguous(url):
        return _crudely_masked(url)
    secrets = {key: "***" for key in parsed.query if SECRET_OPTION.search(key)}
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


def without_password(text: str, url: str) -> str:
    """What a driver said, should it have quoted the URL's secrets."""
    try:
        parsed = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        return text if "@" not in url else "see its log"
    secrets = [value for key, value in parsed.query.items() if SECRET_OPTION.search(key)]
    for secret in (parsed.password, *secrets):
        text = text.replace(str(secret), "***") if secret else text
    return text
