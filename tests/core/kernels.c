/*
 * The kernels and the team of threads, without Python: what .ci/windows compiles and runs.
 * Products are compared with plain loops, and of all results a checksum is printed for every
 * instruction set: systems and compilers must agree on it. The exit status is 1 if a result is
 * wrong.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elementwise.h"
#include "gemm.h"
#include "prefetch.h"
#include "team.h"
#include "updates.h"

#ifdef _WIN32
#include <process.h>
typedef HANDLE Thread;
#define THREAD_FUNCTION unsigned __stdcall
#else
#include <pthread.h>
typedef pthread_t Thread;
#define THREAD_FUNCTION void *
#endif

enum { LARGEST = 80, MOST = LARGEST * LARGEST, N_THREADS = 4, ROUNDS = 20000 };

static uint64_t checksum, random_state;
static int n_wrong;

static void expect(int is_right, const char *what)
{
    if (!is_right && n_wrong++ < 20)
        printf("wrong: %s\n", what);
}

/* FNV-1a, G. Fowler, L. C. Noll and P. Vo */
static void add_to_checksum(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        checksum = (checksum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
}

/* Between -1 and 1, of a linear congruential generator (D. E. Knuth's MMIX) */
static double draw(void)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (double)(random_state >> 11) / (1ll << 52) - 1;
}

#define JOIN_(f, real) f##_##real
#define JOIN(f, real) JOIN_(f, real)
#define NAME(f) JOIN(f, REAL)
#define REAL float
#define EPSILON 0x1p-23
#include "kernels_template.h"
#undef REAL
#undef EPSILON
#define REAL double
#define EPSILON 0x1p-52
#include "kernels_template.h"

/* Threads that count in step, and call a function each: a thread's stack begins anywhere. */
typedef struct {
    Team *team;
    int *counts; /* not atomic: the team orders what is written to them */
    int thread, set;
} Member;

static THREAD_FUNCTION count(void *argument)
{
    Member *member = argument;
    for (int i = 1; i <= ROUNDS; i++) {
        member->counts[member->thread] = i;
        if (!wait_for_team(member->team))
            return 0;
        for (int other = 0; other < N_THREADS; other++)
            expect(member->counts[other] == i, "a thread did not wait");
        if (!wait_for_team(member->team))
            return 0;
        if (i == ROUNDS / 2) {
            float x[64] = {1};
            map_float(member->set, LOGISTIC, x, 64);
            expect(x[63] == 0.5f, "a function in a thread");
        }
    }
    return 0;
}

static THREAD_FUNCTION wait_for_nobody(void *team)
{
    expect(!wait_for_team(team), "an abandoned team has arrived");
    return 0;
}

static Thread start(THREAD_FUNCTION function(void *), void *argument)
{
#ifdef _WIN32
    return (HANDLE)_beginthreadex(NULL, 0, function, argument, 0, NULL);
#else
    Thread thread;
    if (pthread_create(&thread, NULL, function, argument) != 0)
        abort();
    return thread;
#endif
}

static void join(Thread thread)
{
#ifdef _WIN32
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
#else
    pthread_join(thread, NULL);
#endif
}

static void test_team(void)
{
    Team team;
    Member members[N_THREADS];
    Thread threads[N_THREADS];
    int counts[N_THREADS] = {0};
    start_team(&team, N_THREADS);
    for (int i = 0; i < N_THREADS; i++) {
        members[i] = (Member){&team, counts, i, best_instruction_set()};
        threads[i] = start(count, &members[i]);
    }
    for (int i = 0; i < N_THREADS; i++)
        join(threads[i]);
    expect(counts[0] == ROUNDS, "the team did not come to its end");
    start_team(&team, 2);
    threads[0] = start(wait_for_nobody, &team);
    abandon(&team);
    join(threads[0]);
    expect(is_abandoned(&team), "an abandoned team");
}

int main(void)
{
    struct room_float *floats = malloc(sizeof *floats);
    struct room_double *doubles = malloc(sizeof *doubles);
    prefetch(floats, sizeof *floats);
    for (int set = PORTABLE; set <= best_instruction_set(); set++) {
        checksum = 0xcbf29ce484222325;
        random_state = 1;
        test_products_float(set, floats);
        test_functions_float(set, floats);
        test_updates_float(set, floats);
        test_products_double(set, doubles);
        test_functions_double(set, doubles);
        test_updates_double(set, doubles);
        printf("instruction set %d: %08x%08x\n", set, (unsigned)(checksum >> 32),
               (unsigned)checksum);
    }
    test_team();
    printf("%d wrong\n", n_wrong);
    free(floats);
    free(doubles);
    return n_wrong != 0;
}
