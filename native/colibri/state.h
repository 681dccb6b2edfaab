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
inline constexpr uint16_t kStateVersion = 2;

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
    uint8_t dma_byte = 0;  // what it read last, or found on the bus; 0 if none runs
    uint8_t reserved = 0;
    uint16_t dma_left = 0;  // cycles of it that are left: 512 to 0; 514: it waits for a read
};

// The PPU, as after the dots before `dot`. What lies in registers that mean nothing any more (the
// pipelines in vertical blank) is zero.
struct PpuState {
    int32_t dot = 0;            // caught up to: dots since the frame's start
    int32_t a12_low_since = 0;  // dot at which A12 fell; 0 while it is high or nobody watches it
    uint16_t v = 0, t = 0;
    uint16_t v_next = 0;  // what v becomes when `v_wait` is over
    // The background's pipeline: four shift registers of 16 pixels, the first in bit 15, and the
    // tile that is being fetched.
    uint16_t tile_low = 0, tile_high = 0, attribute_low = 0, attribute_high = 0;
    uint8_t fetched_tile = 0, fetched_attribute = 0, fetched_low = 0, fetched_high = 0;
    uint8_t fine_x = 0, w = 0;
    uint8_t ctrl = 0, mask = 0, status = 0;
    uint8_t oam_addr = 0;
    uint8_t read_buffer = 0;
    uint8_t latch = 0;          // the PPU's own data bus
    uint8_t latch_age[3] = {};  // frames since bits 0-4, 5, and 6-7 of it were refreshed; they fade
    uint8_t odd_frame = 0;      // whether the running frame is an odd one (NTSC: a dot shorter)
    uint8_t short_frame = 0;    // whether it was: its pre-render line is over, a dot early
    uint8_t silent = 0;         // vertical blanks after power-on whose flag does not rise
    uint8_t rendering = 0;      // whether either layer is on, as the fetches see it
    uint8_t rendering_wait = 0;    // dots until it follows `mask`, or 0
    uint8_t v_wait = 0;            // dots until v is v_next, or 0
    uint8_t increment_wait = 0;    // dots until v is incremented for a $2007 access, or 0
    uint8_t vblank_prevented = 0;  // $2002 was read in the dot before vertical blank
    uint8_t a12 = 0;               // level of the address line A12, 0 if nobody watches it
    // Sprite evaluation of the running line, and the sprites that it shows.
    uint8_t oam_buffer = 0;      // what $2004 reads in dots 65-256
    uint8_t found = 0;           // bytes written to secondary OAM
    uint8_t evaluation = 0;      // bits: see ppu.h
    uint8_t overflow_bytes = 0;  // still to be read of a ninth sprite
    uint8_t first_is_zero = 0;   // whether sprite_x[0] is sprite 0
    uint8_t reserved = 0;
    uint8_t sprite_low[8] = {}, sprite_high[8] = {};  // patterns, the leftmost pixel in bit 7
    uint8_t sprite_attribute[8] = {}, sprite_x[8] = {};
    uint8_t secondary[32] = {};
    uint8_t palette[32] = {};  // $3F10, $3F14, ... are kept equal to what they mirror
    uint8_t oam[256] = {};
    uint8_t nametables[2048] = {};
};

// The APU. All of it is exact all the time, so that sound, made or not, never changes a savestate.
// A channel's sequencer is kept as the step it is at and the cycle of its next step, and is brought
// forward only when something of it changes and at a frame's end: how often the APU caught up
// does not show. An event "at" a cycle has happened when the CPU's access in that cycle comes.
struct EnvelopeState {
    uint8_t start = 0;  // whether it restarts at the next quarter frame
    uint8_t divider = 0;
    uint8_t decay = 0;
};

struct PulseState {
    Cycle step_at = 0;    // when the sequencer takes its next step
    uint16_t period = 0;  // 11 bits: $4002, $4003, or what the sweep made of them
    uint8_t step = 0;     // of 8, counting down
    uint8_t length = 0;   // the length counter
    uint8_t sweep_divider = 0;
    uint8_t sweep_reload = 0;
    EnvelopeState envelope;
    uint8_t reserved[3] = {};
};

struct TriangleState {
    Cycle step_at = 0;  // runs on while the counters hold the sequencer
    uint8_t step = 0;   // of 32
    uint8_t length = 0;
    uint8_t linear = 0;
    uint8_t linear_reload = 0;
};

struct NoiseState {
    Cycle step_at = 0;
    uint16_t shift = 1;  // 15 bits
    uint8_t length = 0;
    EnvelopeState envelope;
    uint8_t reserved[2] = {};
};

struct DmcState {
    Cycle clock_at = 0;          // when the output unit takes its next bit
    Cycle load_at = kNever;      // when the first byte after $4015 may be asked for
    Cycle fetch_at = kNever;     // since when a byte is asked for and not there yet
    Cycle fetch_until = kNever;  // when that is given up again, unless a byte came before
    Cycle disable_at = kNever;   // when a $4015 write stops the sample
    uint16_t address = 0xC000;
    uint16_t bytes_left = 0;
    uint8_t level = 0;  // 7 bits
    uint8_t shifter = 0;
    uint8_t bits = 8;    // left in the shifter, 1-8
    uint8_t silent = 1;  // whether the shifter has no byte to play
    uint8_t buffer = 0;
    uint8_t buffer_full = 0;
    uint8_t irq = 0;
    uint8_t reserved[5] = {};
};

struct ApuState {
    uint8_t registers[24] = {};  // $4000-$4017 as last written
    Cycle caught_up = 0;
    Cycle frame_start = 0;          // where the frame counter's sequence began
    Cycle frame_step_at = 0;        // when it takes its next step
    Cycle frame_reset_at = kNever;  // when $4017 as written starts it anew
    Cycle irq_clear_at = kNever;    // when a $4015 read clears the frame counter's flag
    uint8_t frame_step = 0;         // the next step: index in the table
    uint8_t frame_mode = 0;         // 1: five steps
    uint8_t frame_irq = 0;          // the flag, bit 6 of $4015
    uint8_t reserved = 0;
    PulseState pulse[2];
    TriangleState triangle;
    NoiseState noise;
    DmcState dmc;
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
    uint8_t lagged = 0;  // whether the last whole frame polled no joypad
    uint8_t polled = 0;  // whether this frame has polled a joypad
    uint8_t reserved = 0;
    uint8_t strobe = 0;
    uint64_t cycles_before = 0;  // CPU cycles in all frames before this one
    uint64_t instructions = 0;   // since power-on

    // Joypads
    uint8_t held[4] = {};     // in this frame
    uint8_t shift[4] = {};    // what the shift registers still hold
    uint8_t shifted[4] = {};  // how many bits were read from each port (for Four Score)
    int32_t phase = 0;        // ticks (master clock) that the frame began before CPU cycle 0

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
