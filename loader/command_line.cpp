// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/command_line.h"

#include <algorithm>
#include <span>

namespace lifeboat {
namespace {

struct Parameter {
  std::string_view text;  // as it is added; a name alone where it is removed
  std::string_view reason;
};

// Said by the boot loader about its own work, wrong for whoever comes next.
constexpr Parameter kNeverReused[] = {
    {"BOOT_IMAGE", "the boot loader's name of the file that it loaded"},
    {"initrd", "the EFI stub's file; it would be looked for on a boot volume that is not there"},
    {"kexec_jump_back_entry", "an address in the kernel before the last"},
};

constexpr Parameter kNotForCapture[] = {
    {"crashkernel", "the capture kernel has only the reservation, and reserves nothing in it"},
    {"hugepages", "would take the whole reservation"},
    {"hugepagesz", "belongs to hugepages"},
    {"default_hugepagesz", "belongs to hugepages"},
    {"hugetlb_cma", "reserves memory for huge pages"},
    {"cma", "reserves memory"},
    {"kernelcore", "zones of the big machine's size"},
    {"movablecore", "zones of the big machine's size"},
    {"memmap", "the memory map of a capture kernel comes from the loader"},
    {"mem", "likewise"},
    {"nr_cpus", "one processor does the capture"},
    {"maxcpus", "likewise"},
    {"possible_cpus", "likewise"},
    {"isolcpus", "names processors that do not run here"},
    {"nohz_full", "likewise"},
    {"rcu_nocbs", "likewise"},
    {"resume", "must not start a hibernated system"},
    {"resume_offset", "likewise"},
    {"hibernate", "likewise"},
    {"log_buf_len", "a log as large as the big machine's costs memory"},
    {"slub_debug", "costs memory in every object"},
    {"slab_debug", "likewise (its new name)"},
    {"page_owner", "costs memory for every page"},
    {"kasan", "costs an eighth of the memory"},
    {"trace_buf_size", "costs memory"},
    {"init", "lifeboat-init is the init of a capture kernel"},
    {"rdinit", "likewise"},
    {"root", "lifeboat-init mounts its target itself"},
    {"quiet", "what the capture kernel says is all there is to see"},
    {"splash", "there is nobody to draw it"},
};

// With these the kernel needs less memory, touches less of a machine in an unknown state, and comes back by itself.
constexpr Parameter kForCapture[] = {
    {"nr_cpus=1", "per-CPU memory for one; not maxcpus, which allocates it for all"},
    {"reset_devices", "drivers bring their devices out of whatever state the crash left them in"},
    {"cgroup_disable=memory", "accounting for every page costs memory"},
    {"numa=off", "no structures for each node of the big machine"},
    {"transparent_hugepage=never", "small pages waste less"},
    {"hugetlb_cma=0", "reserves nothing"},
    {"novmcoredd", "drivers put no dumps of their own into scarce memory"},
    {"irqpoll", "an interrupt whose device was left in mid-work still finds its handler"},
    {"mce=off", "errors that were logged before the crash must not stop the capture"},
    {"acpi_no_memhotplug", "memory that comes by hot-plug is not for the capture kernel"},
    {"pcie_ports=compat", "port services are of no use for minutes"},
    {"audit=0", "nobody reads it"},
    {"panic=5", "a capture kernel that panics restarts the machine"},
    {"oops=panic", "one that is damaged does so too"},
    {"softlockup_panic=1", "and one that hangs"},
    {"nokaslr", "saves the memory that the choice of a place needs; the dead kernel's place is not changed by it"},
};

bool names(std::string_view text, const std::string& name) { return parameter_name(text) == name; }

bool listed(std::span<const Parameter> table, const std::string& word) {
  const std::string name = parameter_name(word);
  return std::ranges::any_of(table, [&](const Parameter& parameter) { return names(parameter.text, name); });
}

std::string join(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

// Behind a lone "--" all is for init.
void drop_init_arguments(std::vector<std::string>& words) {
  words.erase(std::ranges::find(words, "--"), words.end());
}

}  // namespace

Result<std::vector<std::string>> split_command_line(std::string_view text) {
  // A trailing newline comes with /proc/cmdline.
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '\0' || c == '\n') return fail(ErrorCode::usage, "a kernel command line holds neither NUL nor newline");
    if (c == '"') quoted = !quoted;
    if ((c == ' ' || c == '\t') && !quoted) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (quoted) return fail(ErrorCode::usage, "the kernel command line has a quote that is never closed: {}", text);
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::string parameter_name(std::string_view word) {
  if (word.starts_with('"')) word.remove_prefix(1);
  std::string name(word.substr(0, word.find('=')));
  std::ranges::replace(name, '-', '_');
  return name;
}

Result<std::string> crash_command_line(std::string_view reused, std::string_view append) {
  auto words = TRY(split_command_line(reused));
  drop_init_arguments(words);
  std::erase_if(words, [](const std::string& word) { return listed(kNeverReused, word) || listed(kNotForCapture, word); });
  const auto own = TRY(split_command_line(append));
  for (const auto& parameter : kForCapture) {
    const std::string name = parameter_name(parameter.text);
    const auto sets = [&](const std::string& word) { return parameter_name(word) == name; };
    if (std::ranges::none_of(words, sets) && std::ranges::none_of(own, sets)) words.emplace_back(parameter.text);
  }
  words.insert(words.end(), own.begin(), own.end());
  return join(words);
}

Result<std::string> normal_command_line(std::string_view reused, std::string_view append) {
  auto words = TRY(split_command_line(reused));
  std::erase_if(words, [](const std::string& word) { return listed(kNeverReused, word); });
  const auto own = TRY(split_command_line(append));
  words.insert(words.end(), own.begin(), own.end());
  return join(words);
}

}  // namespace lifeboat
