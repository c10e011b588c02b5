"""The rules that ship with the stack."""
