"""What optunas raises at a person: each error states the law, what was found, and the way out."""


class OptunasError(ValueError):
    """Base of every error that a person can mend; the command line prints it as one line."""


class ShapeError(OptunasError):
    """A layer can't take the shape that reaches it."""


class DataError(OptunasError):
    """The images or labels can't be used as they are."""


class StorageError(OptunasError):
    """The study's database can't be opened, read or written."""


class NoStudiesError(StorageError):
    """The file that the studies would be in isn't there yet."""


class StudyError(OptunasError):
    """The study, its file or its settings do not fit together."""


class ArtifactError(OptunasError):
    """The artifact store, where workers share their checkpoints, can't be used."""
