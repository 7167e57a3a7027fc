"""4 HTTP: the answer, served."""
