/* Under AddressSanitizer, gaps around the parts of an array, which nobody may touch. */
#ifndef SKDIGITNET_RED_ZONES_H
#define SKDIGITNET_RED_ZONES_H

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

enum { RED_ZONE = 1024 }; /* so that NumPy hands no array that has one to the next who asks */
#define forbid(start, size) ASAN_POISON_MEMORY_REGION(start, size)
#else
enum { RED_ZONE = 0 };
#define forbid(start, size) ((void)(start), (void)(size))
#endif

#endif
