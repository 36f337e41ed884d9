"""Training: solvers, and what happens around every epoch."""
