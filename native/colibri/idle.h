// Loops that only wait: found while they run, proven free of effects, and jumped over.
//
// A proof is one iteration run for real, on the exact bus. If at its end the registers and all
// memory are as they were at its start, and it read nothing but memory and a $2002 that cannot
// change before a known cycle, then so will the next one be, and so on until something happens:
// the clock is moved on by as many whole iterations as fit. What is learned here only says where
// it is worth looking; it is no part of the state, and cannot change it.
#pragma once

#include <array>
#include <cstdint>

#include "machine.h"

namespace colibri {

class LoopCache {
  public:
    LoopCache();
    // Low bytes of addresses where a loop that waits may begin: where a jump or a branch back goes
    // to one that is not 0, the CPU stops. All 0 if nothing is to be looked for.
    const uint8_t* heads(bool looking) const { return looking ? heads_.data() : none_.data(); }
    // When to look where the CPU is, though it is at no known head.
    Cycle next_sample() const { return sample_at_; }
    // The CPU stopped before `limit`, until which nothing happens to it. Runs some instructions,
    // and skips a loop if it is in one. Returns false if it is not worth looking again before
    // something happens.
    bool look(Machine& m, Cycle limit);
    void end_frame(Cycle length);
    uint64_t skipped() const { return skipped_; }  // cycles, since this was made

  private:
    bool skip(Machine& m);
    void plan_sample(Cycle cycle);

    std::array<uint8_t, 256> heads_{};  // how many failures until it is given up
    std::array<uint8_t, 256> none_{};
    Cycle sample_at_ = 0;
    Cycle interval_;  // mean, between samples
    uint32_t random_ = 1;
    uint64_t skipped_ = 0;
};

}  // namespace colibri
