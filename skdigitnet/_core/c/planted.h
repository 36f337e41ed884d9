/*
 * Flaws for sanitizers to find, so that their silence means something. Ordinary builds have
 * none. In a build with SKDIGITNET_PLANTED_FLAWS the environment variable
 * SKDIGITNET_PLANTED_FLAW names the one that is awake.
 */
#ifndef SKDIGITNET_PLANTED_H
#define SKDIGITNET_PLANTED_H

#ifdef SKDIGITNET_PLANTED_FLAWS
#include <stdlib.h>
#include <string.h>

static int planted(const char *flaw)
{
    const char *awake = getenv("SKDIGITNET_PLANTED_FLAW");
    return awake != NULL && strcmp(awake, flaw) == 0;
}
#else
#define planted(flaw) 0
#endif

#endif
