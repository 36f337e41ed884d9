/*
 * Flaws for sanitizers to find, so that their silence means something. Ordinary builds have
 * none. In a build with SKDIGITNET_PLANTED_FLAWS the environment variable
 * SKDIGITNET_PLANTED_FLAW names the active one.
 */
#ifndef SKDIGITNET_PLANTED_H
#define SKDIGITNET_PLANTED_H

#ifdef SKDIGITNET_PLANTED_FLAWS
#include <stdlib.h>
#include <string.h>

static int planted(const char *flaw)
{
    const char *active = getenv("SKDIGITNET_PLANTED_FLAW");
    return active != NULL && strcmp(active, flaw) == 0;
}
#else
#define planted(flaw) 0
#endif

#endif
