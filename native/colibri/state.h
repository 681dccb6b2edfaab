// Everything a NES is between two instructions, as one block of plain bytes.
//
// A savestate is a copy of this block; two machines are the same machine when their blocks are
// equal byte by byte. So: fixed layout, no padding, no pointers, and nothing that depends on how
// the machine came here (what was drawn, which loops were skipped).
//
// Times are CPU cycles since the start of the running frame, `int32_t`; `kNever` is no time at
// all. A frame starts at dot 0 of the post-render line (line 240), where FCEUX ends its frames
// too. All times are brought back by the same amount when a frame ends (`rebase`).
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace colibri {

using Cycle = int32_t;
inline constexpr Cycle kNever = std::numeric_limits<Cycle>::max();

inline constexpr uint32_t kStateMagic = 0x52424C43;  // "CLBR"
inline constexpr uint16_t kStateVersion = 1;

// Who pulls the IRQ line, as bits of CpuState::irq.
inline constexpr uint8_t kFrameIrq = 1;
inline constexpr uint8_t kDmcIrq = 2;
inline constexpr uint8_t kMapperIrq = 4;

struct CpuState {
    Cycle cycle = 0;   // of the next instruction's opcode fetch
    Cycle nmi_at = 0;  // when the NMI edge that is not served yet came, or kNever
    Cycle irq_at = 0;  // when the IRQ line went low, or kNever while nobody pulls it
    uint16_t pc = 0;
    uint8_t a = 0, x = 0, y = 0, s = 0;
    uint8_t p = 0;         // NV-BDIZC; B and bit 5 are 0 here
    uint8_t irq = 0;       // who pulls the line
    uint8_t poll = 0;      // how the last instruction polled for interrupts: see cpu.h
    uint8_t jammed = 0;    // an opcode that stops the processor until reset
    uint8_t bus = 0;       // the last byte on the data bus if the next opcode is open bus, else 0
    uint8_t dma_page = 0;  // where the running OAM DMA reads, or 0
    uint8_t dma_byte = 0;  // what it read last and has not written yet, or 0
    uint8_t reserved = 0;
    uint16_t dma_left = 0;  // cycles of it that are left: 512 to 0; 514: it waits for a read
};

struct PpuState {
    int32_t dot = 0;  // caught up to: dots since the frame's start
    uint16_t v = 0, t = 0;
    uint8_t fine_x = 0, w = 0;
    uint8_t ctrl = 0, mask = 0, status = 0;
    uint8_t oam_addr = 0;
    uint8_t read_buffer = 0;
    uint8_t latch = 0;           // the PPU's own data bus
    uint8_t odd_frame = 0;       // whether the running frame is an odd one (NTSC: a dot shorter)
    uint8_t warm = 0;            // 0: just powered, some registers are not written yet
    uint8_t a12 = 0;             // level of the address line A12
    uint8_t sprite_lines = 0;    // reserved for the PPU
    uint32_t a12_low_since = 0;  // reserved for the A12 filter (dots, as the PPU counts them)
    uint32_t latch_frame = 0;    // frame in which the latch was last refreshed (it fades)
    uint8_t scratch[16] = {};    // reserved for the PPU, zero when not used
    uint8_t palette[32] = {};
    uint8_t oam[256] = {};
    uint8_t nametables[2048] = {};
};

// One channel's timers and units are defined by the APU; all of it is exact all the time, so that
// sound, made or not, never changes a savestate.
struct ApuState {
    uint8_t registers[24] = {};  // $4000-$4017 as last written
    Cycle caught_up = 0;
    Cycle frame_step_at = 0;  // when the frame counter takes its next step
    Cycle dmc_fetch_at = 0;   // when the DMC asks for its next byte, or kNever
    uint8_t words[164] = {};  // replaced by named fields by the APU
};

struct MapperState {
    uint8_t registers[48] = {};  // each mapper names them in its own file
    Cycle caught_up = 0;
    Cycle irq_at = 0;  // when the mapper will pull IRQ if nothing is written, or kNever
};

struct State {
    // What this block is
    uint32_t magic = kStateMagic;
    uint16_t version = kStateVersion;
    uint8_t region = 0;     // Region
    uint8_t options = 0;    // bit 0: Four Score
    uint64_t rom_hash = 0;  // Cartridge::hash
    uint32_t size = 0;      // of the whole block, with the RAM behind this struct

    // Counters
    uint32_t frame = 0;  // frames since power-on
    uint32_t lag_frames = 0;
    uint8_t lagged = 0;       // whether the last whole frame polled no joypad
    uint8_t polled = 0;       // whether this frame has polled a joypad
    uint8_t held_in_reset = 0;  // the CPU: 2: for this frame; 1: until line 0 of it; 0: it runs
    uint8_t strobe = 0;
    uint64_t cycles_before = 0;  // CPU cycles in all frames before this one
    uint64_t instructions = 0;   // since power-on

    // Joypads
    uint8_t held[4] = {};     // in this frame
    uint8_t shift[4] = {};    // what the shift registers still hold
    uint8_t shifted[4] = {};  // how many bits were read from each port (for Four Score)
    int32_t phase = 0;        // ticks (master clock) of the frame's start against CPU cycle 0

    CpuState cpu;
    PpuState ppu;
    ApuState apu;
    MapperState mapper;
    uint8_t ram[2048] = {};
    // Behind it in the same block, when the cartridge has them, in this order:
    // PRG RAM, CHR RAM, 2 KB of further nametables (four-screen).
};

static_assert(std::endian::native == std::endian::little, "savestates are little-endian");
static_assert(std::has_unique_object_representations_v<State>, "no padding in a savestate");
static_assert(std::is_trivially_copyable_v<State>);

}  // namespace colibri
