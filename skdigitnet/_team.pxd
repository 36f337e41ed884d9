"""Threads that go through the same steps and wait for each other between them."""

cdef extern from "_team.h" nogil:
    ctypedef struct Team:
        int n_threads
        bint abandoned
    void start_team(Team* team, int n_threads)
    void abandon(Team* team)
    bint wait_for_team(Team* team)
