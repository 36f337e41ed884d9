/* Threads that go through the same steps and wait for each other between them. */
#ifndef SKDIGITNET_TEAM_H
#define SKDIGITNET_TEAM_H

#include <stdatomic.h>

#include "planted.h"
#include "platform.h"

enum { SPINS = 4096 };

typedef struct {
    int n_threads;
    atomic_int n_arrived;
    atomic_uint generation; /* how often all of them have arrived */
    atomic_int abandoned;
} Team;

static void start_team(Team *team, int n_threads)
{
    team->n_threads = n_threads;
    atomic_init(&team->n_arrived, 0);
    atomic_init(&team->generation, 0);
    atomic_init(&team->abandoned, 0);
}

static void abandon(Team *team)
{
    atomic_store_explicit(&team->abandoned, 1, memory_order_release);
}

static int is_abandoned(Team *team)
{
    return atomic_load_explicit(&team->abandoned, memory_order_acquire);
}

static inline unsigned generation_of(Team *team)
{
    return atomic_load_explicit(&team->generation, memory_order_acquire);
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
    generation = generation_of(team);
    if (atomic_fetch_add_explicit(&team->n_arrived, 1, memory_order_acq_rel)
        == team->n_threads - 1) {
        atomic_store_explicit(&team->n_arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->generation, generation + 1, memory_order_release);
        return 1;
    }
    for (int spins = 0; generation_of(team) == generation;) {
        if (is_abandoned(team))
            return 0;
        if (spins < SPINS) {
            spins++;
            relax();
        } else
            yield();
    }
    return 1;
}

#endif
