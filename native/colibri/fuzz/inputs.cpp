// Gives a target its inputs, where libFuzzer is not there to do it: made and mutated from a seed,
// so that the same seed gives the same inputs. Prints how many.
//
//   fuzz_rom [--inputs N] [--seconds S] [--seed SEED] [--keep FILE]
//   fuzz_rom FILE...     runs these again
//
// The first input that fails is written to FILE. One that takes longer than ten seconds fails, too.

#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "target.h"

namespace {

using colibri::fuzz::Random;

constexpr unsigned kWatchSeconds = 10;

std::vector<uint8_t> input;
const char* keep = "fuzz-failed-input";
volatile uint64_t count = 0, count_at_last_look = 0;
bool generated = false;

void say(const char* text) {
    (void)!write(2, text, std::strlen(text));
}

void keep_input() {
    if (!generated)
        return;
    const int file = open(keep, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, input.data(), input.size()) < 0)
        return say("fuzz: the input could not be kept\n");
    close(file);
    say("fuzz: the input is kept in ");
    say(keep);
    say("\n");
}

void on_abort(int) {
    keep_input();
    _exit(1);
}

void on_alarm(int) {
    if (count == count_at_last_look && generated) {
        say("fuzz: an input takes longer than ten seconds\n");
        keep_input();
        _exit(1);
    }
    count_at_last_look = count;
    alarm(kWatchSeconds);
}

void mutate(Random& random) {
    if (input.empty() || !random.one_in(4))
        return;
    for (uint32_t i = 1 + random.below(4); i > 0; i--)
        input[random.below(uint32_t(input.size()))] ^= uint8_t(1 << random.below(8));
    if (random.one_in(8))
        input.resize(random.below(uint32_t(input.size()) + 1));
}

}  // namespace

int main(int argc, char** argv) {
    uint64_t inputs = 1000, seed = 1, seconds = 0;
    std::vector<std::string> files;
    for (int i = 1; i < argc; i++) {
        const std::string word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (word == "--inputs")
            inputs = std::stoull(value), i++;
        else if (word == "--seconds")
            seconds = std::stoull(value), i++;
        else if (word == "--seed")
            seed = std::stoull(value), i++;
        else if (word == "--keep")
            keep = value, i++;
        else
            files.push_back(word);
    }
    for (const std::string& file : files) {
        std::ifstream stream(file, std::ios::binary);
        input.assign(std::istreambuf_iterator<char>(stream), {});
        std::printf("%s: %zu bytes\n", file.c_str(), input.size());
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    if (!files.empty())
        return 0;

    __sanitizer_set_death_callback(keep_input);
    signal(SIGABRT, on_abort);
    signal(SIGALRM, on_alarm);
    alarm(kWatchSeconds);
    const auto began = std::chrono::steady_clock::now();
    const auto elapsed = [began] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    while (count < inputs && (seconds == 0 || count % 64 != 0 || elapsed() < double(seconds))) {
        Random random{seed * 0x100000000 + count};
        generated = false;
        input = colibri::fuzz::make_input(random);
        mutate(random);
        generated = true;
        LLVMFuzzerTestOneInput(input.data(), input.size());
        count = count + 1;
    }
    generated = false;
    std::printf("%llu inputs, %.0f a second\n", static_cast<unsigned long long>(count),
                double(count) / elapsed());
    return 0;
}
