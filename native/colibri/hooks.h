// Calls on execute, read and write, and what a trace tells of an instruction.
//
// A machine with hooks runs on the exact bus (cpu.cpp), instruction by instruction; a machine
// without has nothing to ask. What a hook does not change stays as without hooks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "machine.h"

namespace colibri {

// One access of the CPU. Of execute: the address and the opcode, before the instruction.
struct Access {
    uint16_t address;
    uint8_t value;
    Cycle cycle;  // in the running frame
};

// Called for accesses with first <= address <= last (CPU addresses, mirrors not folded). May
// read and change the machine: peek, poke, registers, load, `Hooks::stop`. It must not run it,
// attach it to another block or destroy it, nor change the lists of hooks (do it after the frame).
struct Hook {
    uint16_t first = 0, last = 0xFFFF;
    void (*call)(void* context, Machine& machine, const Access& access) = nullptr;
    void* context = nullptr;
};

// One instruction, before it runs.
struct TraceLine {
    Registers registers;
    std::array<uint8_t, 3> bytes{};  // opcode and operands, by `peek`
    uint8_t size = 0;
    uint32_t frame = 0;
    uint64_t cycle = 0;  // since power-on
    int16_t line = 0;    // of the PPU, as NESdev counts: 0 is the first that is drawn, 240 after
    int16_t dot = 0;
};

struct Hooks {
    std::vector<Hook> execute, read, write;  // write: also the bytes of OAM DMA's $2004
    bool stop = false;  // set by a hook: the frame stops at the instruction's end (run_frame)
    void (*trace)(void* context, Machine& machine, const TraceLine& line) = nullptr;
    void* trace_context = nullptr;
};

// The instruction as text, "LDA ($20),Y" or "*SLO $1234,X" (unofficial ones with a star), and the
// number of its bytes (1-3).
std::string disassemble(uint16_t pc, const std::array<uint8_t, 3>& bytes);
int instruction_size(uint8_t opcode);
// As one line of a log: "C000  4C F5 C5  JMP $C5F5   A:00 X:00 Y:00 P:24 SP:FD PPU:  0, 21 CYC:7".
std::string to_text(const TraceLine& line);

}  // namespace colibri
