// The 6502 of the 2A03: https://www.nesdev.org/wiki/CPU
//
// The opcodes are written once (opcodes.inc), as the real sequence of bus cycles, and compiled
// for two buses: the free one, where memory is a page table, cycles fold at compile time and only
// an access that is more than memory costs a call; and the exact one, where every cycle is an
// access of its own. The free bus runs up to `Machine::stop_`, before which nothing can happen to
// the CPU; the exact one runs a single instruction where a fetch of the DMC may come in between,
// for hooks and traces, and for code that is not in memory.
#pragma once

#include "machine.h"

namespace colibri {

// How the last instruction polled for interrupts (CpuState::poll).
// https://www.nesdev.org/wiki/CPU_interrupts
enum Poll : uint8_t {
    kPlain,      // at the end of its second-to-last cycle
    kBranch,     // a taken branch in its page: one cycle earlier
    kUnmasked,   // as plain, but the I flag was still clear (SEI, PLP)
    kMasked,     // as plain, but the I flag was still set (CLI, PLP)
    kNone,       // not at all (an interrupt's own sequence), or polled and found nothing
    kInterrupt,  // and found an interrupt, whatever the lines say now
};

// What the exact bus tells idle.h: every access of an instruction; reads after, writes before.
struct BusLog {
    virtual void read(uint16_t address, uint8_t value) = 0;
    virtual void write(uint16_t address, uint8_t value) = 0;

  protected:
    ~BusLog() = default;
};

inline constexpr uint16_t kDmaWaits = 514;  // CpuState::dma_left: nothing of it is done yet

class Cpu {
  public:
    // Runs instructions until `stop_`, at least one. Returns false if the next one is for the
    // exact bus; then it may have run none.
    static bool run_free(Machine& m);
    // Runs one instruction, every cycle an access of its own.
    static void run_exactly(Machine& m, BusLog* log = nullptr);
    // Whether the last instruction found an interrupt when it polled.
    static bool interrupted(const Machine& m);
    // The seven cycles of NMI and IRQ.
    static void interrupt(Machine& m);
    // The seven cycles of reset.
    static void reset(Machine& m);
    // One cycle of the bus, without DMA. `bus` is what was on it before.
    static uint8_t read(Machine& m, uint16_t address, Cycle cycle, uint8_t bus);
    static void write(Machine& m, uint16_t address, uint8_t value, Cycle cycle);

    // DMA (dma.cpp): https://www.nesdev.org/wiki/DMA
    // The CPU is about to read `address` in this cycle, and the DMC wants a byte: returns the
    // cycle in which the CPU reads.
    static Cycle fetch_for_dmc(Machine& m, uint16_t address, Cycle cycle, uint8_t& bus);
    // Goes on with the OAM DMA that is due, up to its end or the frame's.
    static void run_oam_dma(Machine& m, Cycle frame_end);
};

namespace joypads {
using Wire = Machine::JoypadWire;
void write(Machine& m, uint8_t value, Wire& wire, Cycle cycle);  // $4016
uint8_t read(Machine& m, int port, bool again);                  // $4016, $4017: bits 0-4
void hold(Machine& m, const std::array<uint8_t, 4>& held);
}  // namespace joypads

}  // namespace colibri
