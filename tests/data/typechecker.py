"""Types and shapes checked at every call; an integer is a number, as it is for Python."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
