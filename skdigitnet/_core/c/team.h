/* Threads that go through the same steps and wait for each other between them. */
#ifndef SKDIGITNET_TEAM_H
#define SKDIGITNET_TEAM_H

#include <sched.h>

#include "planted.h"

enum { SPINS = 4096 };

typedef struct {
    int n_threads;
    int n_arrived;
    unsigned generation; /* how often all of them have arrived */
    int abandoned;
} Team;

static void start_team(Team *team, int n_threads)
{
    team->n_threads = n_threads;
    team->n_arrived = 0;
    team->generation = 0;
    team->abandoned = 0;
}

static void abandon(Team *team)
{
    __atomic_store_n(&team->abandoned, 1, __ATOMIC_RELEASE);
}

static int is_abandoned(Team *team)
{
    return __atomic_load_n(&team->abandoned, __ATOMIC_ACQUIRE);
}

/* Wait until every thread is here: what each wrote before, all see after. Steps are short,
   so threads spin, and yield if one of them has no core to run on. Zero if the team was
   abandoned. */
static int wait_for_team(Team *team)
{
    unsigned generation;
    if (planted("race"))
        return 1;
    if (team->n_threads == 1)
        return !is_abandoned(team);
    generation = __atomic_load_n(&team->generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&team->n_arrived, 1, __ATOMIC_ACQ_REL) == team->n_threads) {
        __atomic_store_n(&team->n_arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&team->generation, generation + 1, __ATOMIC_RELEASE);
        return 1;
    }
    for (int spins = 0; __atomic_load_n(&team->generation, __ATOMIC_ACQUIRE) == generation;) {
        if (is_abandoned(team))
            return 0;
        if (spins < SPINS) {
            spins++;
#ifdef __x86_64__
            __builtin_ia32_pause();
#endif
        } else
            sched_yield();
    }
    return 1;
}

#endif
