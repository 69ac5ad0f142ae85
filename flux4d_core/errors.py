"""What goes wrong, said once for command line, viewer and library."""


class Flux4dError(Exception):
    """Bad input. The message is one sentence for the user: which file, what was expected, found, and what to do.

    The command line prints it and exits with code 2; the viewer shows it and stays alive.
    """


class LogError(Flux4dError):
    """A driving log is missing, broken or of an unknown format."""


class SceneError(Flux4dError):
    """A scene file is missing, broken, from a newer version or not safe to open."""


class CheckpointError(Flux4dError):
    """Trained weights are missing, broken or do not fit the network."""


class Flux4dWarning(UserWarning):
    """What a user should know although the work goes on. The command line prints it, the viewer shows it."""
