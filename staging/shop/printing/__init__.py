"""Printing: accepted orders, first in first out, on a number of presses, and then shipped."""
