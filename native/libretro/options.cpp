#include "libretro/options.h"

#include <algorithm>
#include <utility>

#include "batch/error.h"
#include "libretro/text.h"

namespace copain {

namespace {

bool allows(const CoreOption& option, const std::string& value) {
    return option.values.empty() ||
           std::find(option.values.begin(), option.values.end(), value) != option.values.end();
}

std::string not_allowed(const CoreOption& option, const std::string& value) {
    return "the option " + option.key + " cannot be '" + value +
           "'; allowed: " + join(option.values);
}

// The two newer formats have the same fields under the same names.
template <typename Definition>
CoreOption option_of(const Definition& definition) {
    CoreOption option;
    option.key = definition.key;
    option.description = text_of(definition.desc);
    for (const retro_core_option_value& value : definition.values) {
        if (!value.value)
            break;
        option.values.emplace_back(value.value);
    }
    option.fallback = definition.default_value ? definition.default_value
                      : option.values.empty()  ? ""
                                               : option.values.front();
    return option;
}

}  // namespace

void Options::declare(const retro_variable* variables) {
    // "Description; first value|second value": the first is the default.
    for (; variables && variables->key; ++variables) {
        CoreOption option;
        option.key = variables->key;
        const std::string text = text_of(variables->value);
        const size_t semicolon = text.find(';');
        option.description = text.substr(0, semicolon);
        if (semicolon != std::string::npos)
            option.values = split(trim(text.substr(semicolon + 1)), '|');
        if (!option.values.empty())
            option.fallback = option.values.front();
        declare(std::move(option));
    }
}

void Options::declare(const retro_core_option_definition* definitions) {
    for (; definitions && definitions->key; ++definitions)
        declare(option_of(*definitions));
}

void Options::declare(const retro_core_option_v2_definition* definitions) {
    for (; definitions && definitions->key; ++definitions)
        declare(option_of(*definitions));
}

void Options::declare(CoreOption option) {
    option.value = option.fallback;
    if (const auto waiting = waiting_.find(option.key); waiting != waiting_.end()) {
        if (allows(option, waiting->second))
            option.value = waiting->second;
        else
            refusal_ = not_allowed(option, waiting->second);
        waiting_.erase(waiting);
    }
    if (CoreOption* known = find(option.key)) {
        // Cores declare again once they know the game: what was chosen stays chosen.
        if (known->value != known->fallback && allows(option, known->value))
            option.value = known->value;
        *known = std::move(option);
    } else {
        options_.push_back(std::move(option));
    }
}

void Options::set(const std::string& key, const std::string& value, bool may_wait) {
    if (CoreOption* option = find(key)) {
        if (!allows(*option, value))
            throw CoreError(not_allowed(*option, value));
        if (option->value != value) {
            option->value = value;
            changed_ = true;
        }
    } else {
        waiting_[key] = value;
        if (!may_wait) {
            try {
                check_all_known();
            } catch (...) {
                waiting_.erase(key);
                throw;
            }
        }
    }
}

bool Options::set_by_core(const retro_variable& variable) {
    CoreOption* option = variable.key ? find(variable.key) : nullptr;
    if (!option || !variable.value || !allows(*option, variable.value))
        return false;
    option->value = variable.value;
    changed_ = true;
    return true;
}

const char* Options::value(const char* key) const {
    for (const CoreOption& option : options_)
        if (key && option.key == key)
            return option.value.c_str();
    return nullptr;
}

bool Options::take_changed() {
    return std::exchange(changed_, false);
}

void Options::check_all_known() const {
    if (!refusal_.empty())
        throw CoreError(refusal_);
    if (waiting_.empty())
        return;
    std::vector<std::string> keys;
    for (const CoreOption& option : options_)
        keys.push_back(option.key);
    throw CoreError("this core has no option called " + waiting_.begin()->first +
                    "; its options: " + (keys.empty() ? "none" : join(keys)));
}

CoreOption* Options::find(const std::string& key) {
    for (CoreOption& option : options_)
        if (option.key == key)
            return &option;
    return nullptr;
}

}  // namespace copain
