"""The command line: one file per verb family, imported only when its verb is asked for."""
