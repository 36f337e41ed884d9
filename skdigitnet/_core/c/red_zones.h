/* Under AddressSanitizer, gaps around the parts of an array that no code may touch. */
#ifndef SKDIGITNET_RED_ZONES_H
#define SKDIGITNET_RED_ZONES_H

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

enum { RED_ZONE = 1024 }; /* so large that NumPy caches and reuses no array that has one */
#define forbid(start, size) ASAN_POISON_MEMORY_REGION(start, size)
#else
enum { RED_ZONE = 0 };
#define forbid(start, size) ((void)(start), (void)(size))
#endif

#endif
