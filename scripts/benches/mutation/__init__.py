"""Mutation of the rooms that decide: statistics, verdict, comparison. A change that no test fails on is a survivor.

A tool of our own: mutmut 3 leaves code outside of functions alone (https://mutmut.readthedocs.io), such as these rooms'
constants, and a command that runs the tests anew for each mutant imports the libraries anew too, which here costs more
than the tests do. This one forks a process that has the libraries imported already, and puts one changed module in the
place of the original.
"""
