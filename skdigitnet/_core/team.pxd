"""Threads that go through the same steps and wait for each other between them."""

cdef extern from "c/team.h" nogil:
    ctypedef struct Team:
        pass
    void start_team(Team* team, int n_threads)
    void abandon(Team* team)
    bint is_abandoned(Team* team)
    bint wait_for_team(Team* team)
