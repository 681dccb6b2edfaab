// What a core takes from the process around it, made the same in every instance and every run.
#pragma once

namespace copain {

// Gives a library loaded by dlopen, whose constructors have not run, memory, chance and a clock
// that do not depend on what the process did before, on what its other instances do, or on the day:
// - what it allocates is zeroed. Some cores never write all of it, and put it into their
//   savestates (FCEUmm: 8 KB of cartridge RAM) or let the game read it;
// - rand() starts from the same seed at every call into the core (see `restart_chance`), so that
//   a frame depends on the machine and the input alone. Cores use it for what a real machine
//   leaves open; srand() does nothing;
// - time() stands still at the first second of 2000, in UTC: real-time clocks of cartridges do
//   not run.
void make_deterministic(void* handle);

// Starts rand() of the cores that this thread is inside of over.
void restart_chance();

}  // namespace copain
