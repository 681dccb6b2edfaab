// While one exists, memory from malloc is filled, so that what a core never writes is the same
// in every instance.
#pragma once

#include <malloc.h>

namespace copain {

class FreshMemory {
  public:
#ifdef M_PERTURB
    // malloc fills with the complement of the byte, free with the byte: here zeros.
    FreshMemory() { mallopt(M_PERTURB, 0xff); }
    ~FreshMemory() { mallopt(M_PERTURB, 0); }
#else
    FreshMemory() = default;
    ~FreshMemory() = default;
#endif
    FreshMemory(const FreshMemory&) = delete;
    FreshMemory& operator=(const FreshMemory&) = delete;
};

}  // namespace copain
