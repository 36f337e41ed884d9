"""The problem that training solves: rows, labels, network and objective."""
